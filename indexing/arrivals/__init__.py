"""How footage arrives: resumable uploads, watched folders, and when a file says it began."""
