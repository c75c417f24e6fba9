#!/bin/sh
# Makes the Prefect server at PREFECT_API_URL this installation's: the work pool, and every deployment of prefect.yaml.
# Again, it brings the deployments up to date and leaves the pool as it is. Arguments say which pool to make, if not one
# of processes: --type kubernetes --base-job-template FILE.
set -eu

[ $# -gt 0 ] || set -- --type process

# Opening the ledger brings its tables up to date, before any run needs them.
fivestar notify list >/dev/null

# What the server needs besides its deployments belongs here.
prefect work-pool inspect fivestar >/dev/null 2>&1 || prefect work-pool create fivestar "$@"
prefect --no-prompt deploy --all
