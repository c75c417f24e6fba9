#!/bin/sh
# A role and a database each for the ledger and for Prefect. PostgreSQL's image runs it once, while its volume is empty.
set -eu

for name in fivestar prefect; do
    # psql itself reads the password, so that it stands in no command line.
    NAME="$name" PASSWORD_FILE="/run/secrets/${name}_password" \
        psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\set name `echo "$NAME"`
\set password `cat "$PASSWORD_FILE"`
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
