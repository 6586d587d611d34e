"""Run a command from a small process and print, as JSON, what it took: ended.py OUTPUT COMMAND …

Linux carries the peak memory of the process that starts another over into that one, so a benchmark that holds
pictures would seem to be the memory of all that it starts.
"""

import json
import os
import subprocess
import sys
import time

with open(sys.argv[1], "wb") as output:
    began = time.perf_counter()
    process = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=output)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
process.returncode = os.waitstatus_to_exitcode(status)
unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, others KiB
found = {
    "code": process.returncode,
    "seconds": seconds,
    "processor_s": usage.ru_utime + usage.ru_stime,
    "peak_bytes": usage.ru_maxrss * unit,
}
print(json.dumps(found))
