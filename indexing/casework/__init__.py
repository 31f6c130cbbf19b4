"""What people keep and hand on: saved and standing searches, cases, evidence."""
