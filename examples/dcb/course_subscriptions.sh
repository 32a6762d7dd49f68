#!/usr/bin/env bash
# Course subscriptions: a course has seats, a student takes part in five courses at most.
#
#     FACTSTR_URL='sqlite:courses.db?mode=rwc' examples/dcb/course_subscriptions.sh define_course c1 20
#     FACTSTR_URL='sqlite:courses.db?mode=rwc' examples/dcb/course_subscriptions.sh subscribe_student ada c1

# A $ between single quotes begins a variable of jq.
# shellcheck disable=SC2016

# shellcheck source=examples/dcb/decide.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/decide.sh"

facts_of_course() {
  filter '["course-defined", "course-capacity-changed", "student-subscribed"]' course "$1"
}

facts_of_student() {
  filter '["student-subscribed"]' student "$1"
}

# The newest capacity; null if the course was never defined.
capacity_of_course() {
  jq '[.[] | select(.event_type == "course-defined" or .event_type == "course-capacity-changed")]
    | last.payload.capacity' <<<"$facts"
}

define_course() {
  local course=$1 capacity=$2

  read_context "$(facts_of_course "$course")"
  [ "$(capacity_of_course)" = null ] || refuse "course \"$course\" exists already"
  happened course-defined course "$course" capacity: "$capacity"
}

change_course_capacity() {
  local course=$1 capacity=$2 present

  read_context "$(facts_of_course "$course")"
  present=$(capacity_of_course)
  [ "$present" != null ] || refuse "course \"$course\" does not exist"
  [ "$present" != "$capacity" ] || refuse "course \"$course\" has a capacity of $capacity already"
  happened course-capacity-changed course "$course" capacity: "$capacity"
}

subscriptions() {
  jq --arg name "$1" --arg value "$2" \
    '[.[] | select(.event_type == "student-subscribed" and .payload[$name] == $value)] | length' <<<"$facts"
}

subscribe_student() {
  local student=$1 course=$2 max_courses=5 capacity

  read_context "$(facts_of_course "$course")" "$(facts_of_student "$student")"
  capacity=$(capacity_of_course)
  [ "$capacity" != null ] || refuse "course \"$course\" does not exist"
  if facts_show '.[] | select(.payload == {course: $course, student: $student})' --arg course "$course" --arg student "$student"
  then
    refuse "student \"$student\" is subscribed to course \"$course\" already"
  fi
  [ "$(subscriptions course "$course")" -lt "$capacity" ] || refuse "course \"$course\" is full"
  [ "$(subscriptions student "$student")" -lt $max_courses ] ||
    refuse "student \"$student\" takes part in $max_courses courses already"
  happened student-subscribed course "$course" student "$student"
}

main "define_course change_course_capacity subscribe_student" "$@"
