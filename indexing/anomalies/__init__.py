"""How unusual every second is for its camera, and what people make of that."""
