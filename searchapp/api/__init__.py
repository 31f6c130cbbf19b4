"""What the pages do, as JSON: one module a desk, and each route calls what its page calls."""
