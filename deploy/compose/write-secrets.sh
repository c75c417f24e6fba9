#!/bin/sh
# The files that compose.yaml takes its secrets from, in secrets/ of the folder in which this runs. What is there stays:
# passwords of the databases are made up, what the platforms ask for is left empty, to be filled in.
set -eu

# Containers run as users of their own, which must read the files; the folder keeps everybody else out.
umask 022
mkdir -p secrets
chmod 700 secrets
cd secrets

for name in postgres fivestar prefect; do
    file="${name}_password"
    [ -s "$file" ] || od -A n -N 24 -t x1 /dev/urandom | tr -d ' \n' >"$file"
done
[ -s ledger_url ] || printf 'postgresql+psycopg://fivestar:%s@database:5432/fivestar' "$(cat fivestar_password)" >ledger_url

for file in comprehensive_governance_token law_enforcement_username law_enforcement_password \
    public_service_api_key supervision_key_id supervision_secret; do
    [ -e "$file" ] || : >"$file"
    [ -s "$file" ] || echo "secrets/$file is empty: write into it what the platform asks for."
done
