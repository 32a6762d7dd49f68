/*
 * sql/drop_log.h
 *		Drops logs: one, by the SQL function, or all, with the extension.
 */
#ifndef FACTSTR_SQL_DROP_LOG_H
#define FACTSTR_SQL_DROP_LOG_H

extern bool fs_drop_log_is_under_way(void);
extern int	fs_drop_log_count_others(Oid schema);
extern void fs_drop_log_others(Oid schema);

#endif							/* FACTSTR_SQL_DROP_LOG_H */
