"""GluonCV's networks: run directly by MXNet, or exported to ONNX with a proof that both say the same (docs/gluon.md).

MXNet lives in an environment of its own (`make gluon`). `runtime`, `seeded`, `conversion` and `equality` import it; the other
modules say what networks there are without it, so that an API process can name a network that only its workers can run.
"""
