-- Course subscriptions: a course has seats, a student takes part in five courses at most.
--
-- One subscription depends on the facts of one course and on those of one student, which no stream per course or per student
-- contains together. Here they are one context, and subscriptions to other courses by other students do not conflict with it.
--
--     psql -f examples/dcb/decisions.sql -f examples/dcb/course_subscriptions.sql        (a database with the extension)
--     SELECT decide_and_append('define_course', 'c1', '20');
--     SELECT decide_and_append('subscribe_student', 'ada', 'c1');

CREATE FUNCTION facts_of_course(course text) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
	SELECT jsonb_build_object(
		'event_types', '["course-defined", "course-capacity-changed", "student-subscribed"]'::jsonb,
		'payload_predicates', jsonb_build_array(jsonb_build_object('course', course)))
$$;

CREATE FUNCTION facts_of_student(student text) RETURNS jsonb IMMUTABLE LANGUAGE sql AS $$
	SELECT jsonb_build_object(
		'event_types', '["student-subscribed"]'::jsonb,
		'payload_predicates', jsonb_build_array(jsonb_build_object('student', student)))
$$;

-- The newest capacity that the facts tell; null if the course was never defined.
CREATE FUNCTION capacity_of_course(facts jsonb) RETURNS integer IMMUTABLE LANGUAGE sql AS $$
	SELECT (fact -> 'payload' ->> 'capacity')::integer
	FROM jsonb_array_elements(facts) WITH ORDINALITY f(fact, n)
	WHERE fact ->> 'event_type' IN ('course-defined', 'course-capacity-changed')
	ORDER BY n DESC LIMIT 1
$$;

CREATE FUNCTION define_course(course text, capacity integer) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	context jsonb := jsonb_build_object('filters', jsonb_build_array(facts_of_course(course)));
	facts jsonb;
	version bigint;
BEGIN
	SELECT event_records, current_context_version INTO facts, version FROM factstr_query(context);
	IF capacity_of_course(facts) IS NOT NULL THEN
		RAISE 'course "%" exists already', course;
	END IF;
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'course-defined',
			'payload', jsonb_build_object('course', course, 'capacity', capacity))), context, version);
END
$$;

CREATE FUNCTION change_course_capacity(course text, capacity integer) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	context jsonb := jsonb_build_object('filters', jsonb_build_array(facts_of_course(course)));
	facts jsonb;
	version bigint;
BEGIN
	SELECT event_records, current_context_version INTO facts, version FROM factstr_query(context);
	IF capacity_of_course(facts) IS NULL THEN
		RAISE 'course "%" does not exist', course;
	ELSIF capacity_of_course(facts) = capacity THEN
		RAISE 'course "%" has a capacity of % already', course, capacity;
	END IF;
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'course-capacity-changed',
			'payload', jsonb_build_object('course', course, 'capacity', capacity))), context, version);
END
$$;

CREATE FUNCTION subscribe_student(student text, course text) RETURNS decision LANGUAGE plpgsql AS $$
DECLARE
	max_courses CONSTANT integer := 5;
	context jsonb := jsonb_build_object('filters', jsonb_build_array(facts_of_course(course), facts_of_student(student)));
	subscription jsonb := jsonb_build_object('course', course, 'student', student);
	facts jsonb;
	version bigint;
	seats_taken integer;
	courses integer;
	is_subscribed boolean;
BEGIN
	SELECT event_records, current_context_version INTO facts, version FROM factstr_query(context);
	SELECT count(*) FILTER (WHERE fact -> 'payload' ->> 'course' = course),
		count(*) FILTER (WHERE fact -> 'payload' ->> 'student' = student),
		coalesce(bool_or(fact -> 'payload' = subscription), false)
	INTO seats_taken, courses, is_subscribed
	FROM jsonb_array_elements(facts) fact
	WHERE fact ->> 'event_type' = 'student-subscribed';

	IF capacity_of_course(facts) IS NULL THEN
		RAISE 'course "%" does not exist', course;
	ELSIF is_subscribed THEN
		RAISE 'student "%" is subscribed to course "%" already', student, course;
	ELSIF seats_taken >= capacity_of_course(facts) THEN
		RAISE 'course "%" is full', course;
	ELSIF courses >= max_courses THEN
		RAISE 'student "%" takes part in % courses already', student, max_courses;
	END IF;
	RETURN (jsonb_build_array(jsonb_build_object('event_type', 'student-subscribed', 'payload', subscription)),
		context, version);
END
$$;
