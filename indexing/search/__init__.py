"""Every other time something happened: what is asked, and how clips are ranked."""
