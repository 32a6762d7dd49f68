// Course subscriptions: a course has seats, and a student takes at most five courses.
//
//     FACTSTR_URL=sqlite:courses.db node examples/course_subscriptions.mts define_course c1 20
//     FACTSTR_URL=sqlite:courses.db node examples/course_subscriptions.mts subscribe_student ada c1

import type { EventFilter, EventRecord } from 'factstr';
import { main, Refused, type Decision } from './decisions.mts';

type Events = {
  'course-defined': { course: string; capacity: number };
  'course-capacity-changed': { course: string; capacity: number };
  'student-subscribed': { course: string; student: string };
};

type Facts = EventRecord<Events>[];

const MAX_COURSES = 5;

function factsOfCourse(course: string): EventFilter<Events> {
  return {
    event_types: ['course-defined', 'course-capacity-changed', 'student-subscribed'],
    payload_predicates: [{ course }],
  };
}

function factsOfStudent(student: string): EventFilter<Events> {
  return { event_types: ['student-subscribed'], payload_predicates: [{ student }] };
}

/** The newest capacity of the course; undefined if it was never defined. */
function capacityOf(facts: Facts): number | undefined {
  return facts.filter((fact) => fact.event_type !== 'student-subscribed').at(-1)?.payload.capacity;
}

function subscriptionsIn(facts: Facts): Events['student-subscribed'][] {
  return facts.filter((fact) => fact.event_type === 'student-subscribed').map((fact) => fact.payload);
}

export function define_course(course: string, seats: string): Decision<Events> {
  return {
    boundary: { filters: [factsOfCourse(course)] },
    decide(facts) {
      if (capacityOf(facts) !== undefined) throw new Refused(`course "${course}" exists already`);
      return { event_type: 'course-defined', payload: { course, capacity: Number(seats) } };
    },
  };
}

export function change_course_capacity(course: string, seats: string): Decision<Events> {
  return {
    boundary: { filters: [factsOfCourse(course)] },
    decide(facts) {
      const capacity = capacityOf(facts);
      if (capacity === undefined) throw new Refused(`course "${course}" does not exist`);
      if (capacity === Number(seats)) throw new Refused(`course "${course}" has a capacity of ${seats} already`);
      return { event_type: 'course-capacity-changed', payload: { course, capacity: Number(seats) } };
    },
  };
}

export function subscribe_student(student: string, course: string): Decision<Events> {
  return {
    boundary: { filters: [factsOfCourse(course), factsOfStudent(student)] },
    decide(facts) {
      const capacity = capacityOf(facts);
      const ofCourse = subscriptionsIn(facts).filter((subscription) => subscription.course === course);
      const ofStudent = subscriptionsIn(facts).filter((subscription) => subscription.student === student);
      if (capacity === undefined) throw new Refused(`course "${course}" does not exist`);
      if (ofStudent.some((subscription) => subscription.course === course))
        throw new Refused(`student "${student}" is subscribed to course "${course}" already`);
      if (ofCourse.length >= capacity) throw new Refused(`course "${course}" is full`);
      if (ofStudent.length >= MAX_COURSES)
        throw new Refused(`student "${student}" takes part in ${MAX_COURSES} courses already`);
      return { event_type: 'student-subscribed', payload: { course, student } };
    },
  };
}

await main<Events>(import.meta.url, { define_course, change_course_capacity, subscribe_student });
