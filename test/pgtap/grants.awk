# The grants of a document's section "Rights", to a role for each "-- may ..." there, named by its words.
/^## Rights/ { on = 1; next }
/^## / { on = 0 }
/^```sql$/ { code = 1 }
/^```$/ { code = 0 }
!on || !code { next }
/^-- may / {
	role = substr($0, 4)
	sub(/:.*/, "", role)
	print "CREATE ROLE \"" role "\";"
}
/^(GRANT|  )/ {
	sub(/some_role/, "\"" role "\"")
	print
}
