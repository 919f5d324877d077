"""The catalogue doctor: what is wrong with a catalogue, with evidence, and with fixes to accept or refuse."""

from lookalike.services.doctor.examination import Options, examine
from lookalike.services.doctor.findings import Finding, Report

__all__ = ["Finding", "Options", "Report", "examine"]
