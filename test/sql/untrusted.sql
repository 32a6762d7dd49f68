-- Only a superuser installs the extension: the owner of the database and the schema may not.
CREATE ROLE regress_factstr_owner;
SELECT current_database() AS database, current_user AS superuser \gset
ALTER DATABASE :"database" OWNER TO regress_factstr_owner;
SET ROLE regress_factstr_owner;
CREATE SCHEMA regress_factstr_schema;
CREATE EXTENSION factstr SCHEMA regress_factstr_schema;
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
SELECT count(*) FROM pg_extension WHERE extname = 'factstr';

-- A role that gets its schema afterwards has no right on the log by that, and may not drop it.
CREATE EXTENSION factstr SCHEMA regress_factstr_schema;
SET ROLE regress_factstr_owner;
SELECT * FROM regress_factstr_schema.factstr_append('[{"event_type": "a", "payload": 1}]');
\echo :LAST_ERROR_SQLSTATE
DROP EXTENSION factstr;
\echo :LAST_ERROR_SQLSTATE
CREATE TRIGGER mine BEFORE INSERT ON regress_factstr_schema.factstr_streams
	EXECUTE FUNCTION suppress_redundant_updates_trigger();
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

ALTER DATABASE :"database" OWNER TO :"superuser";
SET client_min_messages = warning;
DROP SCHEMA regress_factstr_schema CASCADE;
DROP ROLE regress_factstr_owner;
