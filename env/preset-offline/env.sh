#! /bin/bash
# Preset: offline (no connection is opened). The same values stand in .cm/meta.json; a test compares them.

export CKSSD_OFFLINE=1
export UV_OFFLINE=1
