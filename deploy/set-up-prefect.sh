#!/bin/sh
# Makes the Prefect server at PREFECT_API_URL this installation's. Again, it brings the deployments up to date and leaves
# the pool as it is. Arguments say which pool to make, if not one of processes: --type kubernetes --base-job-template FILE.
set -eu

# Opening the ledger brings its tables up to date, before any run needs them.
fivestar notify list >/dev/null

[ $# -eq 0 ] || prefect work-pool inspect fivestar >/dev/null 2>&1 || prefect work-pool create fivestar "$@"
fivestar deploy
