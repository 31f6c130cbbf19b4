"""Encoders and what they embed: kept, published, switched, exchanged."""
