"""`livecode demo`: a shop to try livecode on, and the notebook that pushes code into it while it serves."""
