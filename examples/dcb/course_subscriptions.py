"""Course subscriptions: a course has seats, a student takes part in five courses at most.

    FACTSTR_URL=sqlite:courses.db python3 examples/dcb/course_subscriptions.py define_course c1 20
    FACTSTR_URL=sqlite:courses.db python3 examples/dcb/course_subscriptions.py subscribe_student ada c1
"""

from decisions import Facts, Refused, main

from factstr import EventFilter, EventQuery, NewEvent

MAX_COURSES = 5


def facts_of_course(course):
    return EventFilter(['course-defined', 'course-capacity-changed', 'student-subscribed'], [{'course': course}])


def facts_of_student(student):
    return EventFilter(['student-subscribed'], [{'student': student}])


def capacity(facts: Facts):
    """The newest capacity of the course; None if it was never defined."""
    capacities = [fact.payload['capacity'] for fact in facts if fact.event_type.startswith('course-')]
    return capacities[-1] if capacities else None


def subscriptions(facts: Facts, **wanted: str) -> int:
    return sum(fact.event_type == 'student-subscribed' and wanted.items() <= fact.payload.items() for fact in facts)


def define_course(course, seats):
    def decide(facts):
        if capacity(facts) is not None:
            raise Refused(f'course "{course}" exists already')
        return NewEvent('course-defined', {'course': course, 'capacity': int(seats)})

    return EventQuery([facts_of_course(course)]), decide


def change_course_capacity(course, seats):
    def decide(facts):
        if capacity(facts) is None:
            raise Refused(f'course "{course}" does not exist')
        if capacity(facts) == int(seats):
            raise Refused(f'course "{course}" has a capacity of {seats} already')
        return NewEvent('course-capacity-changed', {'course': course, 'capacity': int(seats)})

    return EventQuery([facts_of_course(course)]), decide


def subscribe_student(student, course):
    def decide(facts):
        seats = capacity(facts)
        if seats is None:
            raise Refused(f'course "{course}" does not exist')
        if subscriptions(facts, course=course, student=student):
            raise Refused(f'student "{student}" is subscribed to course "{course}" already')
        if subscriptions(facts, course=course) >= seats:
            raise Refused(f'course "{course}" is full')
        if subscriptions(facts, student=student) >= MAX_COURSES:
            raise Refused(f'student "{student}" takes part in {MAX_COURSES} courses already')
        return NewEvent('student-subscribed', {'course': course, 'student': student})

    return EventQuery([facts_of_course(course), facts_of_student(student)]), decide


if __name__ == '__main__':
    main(define_course, change_course_capacity, subscribe_student)
