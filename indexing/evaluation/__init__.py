"""The benchmark: streams with known truth, every system trained and measured on them, a report.

`streams` renders footage and reads it back through the ingest's own decoding and description;
`runs` trains systems and measures them, one file a result; `report` writes what was found.
"""
