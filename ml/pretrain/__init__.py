"""A trunk of our own: X3D-M taught, from nothing and on drawn scenes, to tell what moves."""
