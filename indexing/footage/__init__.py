"""What comes in and what is kept of it: files, features, pictures of sound."""
