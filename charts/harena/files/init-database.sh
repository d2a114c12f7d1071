# shellcheck shell=bash
# Run once by the image's entry point, on an empty volume: the database and its owner, who is no
# superuser. The services' own roles are made by the migration Job.
psql --set=ON_ERROR_STOP=1 --no-psqlrc --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\set password `cat /run/secrets/harena/owner-password`
CREATE ROLE harena LOGIN PASSWORD :'password';
CREATE DATABASE harena OWNER harena;
SQL
