"""The kit for plugin authors, under its public name; core/testing is where it stands."""

from __future__ import annotations

from ..core.testing.check import check_plugin
from ..core.testing.report import PluginFault, Report

__all__ = ["PluginFault", "Report", "check_plugin"]
