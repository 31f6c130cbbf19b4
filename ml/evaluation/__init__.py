"""How good embeddings are where the truth is known: search, anomalies, location. numpy only."""
