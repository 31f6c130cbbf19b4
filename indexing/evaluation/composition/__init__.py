"""Recordings composed of real video and real sounds at known times; nothing in them is rendered."""
