"""After the promotion: is the world still the one the model was trained on, and is the model still right."""
