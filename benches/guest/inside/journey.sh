# From an empty machine to so many sessions, and back. Sourced by init.
# shellcheck shell=busybox disable=SC2153 # names of the other files

# Waits until a command says yes; at most so many seconds, and only while all processes live.
await() {
  what=$1 limit=$2 from=$(now) shown=$(now)
  shift 2
  while true; do
    # Looked at first: the command may be the one that waits for a process to end.
    dead=''
    for process in $GATEWAY $PUSHER $STRESS; do alive "$process" || dead=yes; done
    "$@" && return 0
    [ -z "$dead" ] || { say "failed: a process ended before $what"; return 1; }
    has_passed "$from" "$limit" && { say "failed: $what took longer than $limit s"; return 1; }
    if [ -n "$STRESS" ] && has_passed "$shown" 10; then
      progress
      shown=$(now)
    fi
    sleep 0.5
  done
}

alive() { [ -d "/proc/$1" ] && ! grep -q '^State:.Z' "/proc/$1/status"; }

ready() { fetch "$1/readyz" > /dev/null 2>&1; }

# What the load client says it does; its first words are those of its scenarios.
doing() { [ "$(standing | cut -d' ' -f5)" = "$1" ]; }

past_opening() { doing pushing || doing receiving || doing holding; }

gone() { ! alive "$STRESS"; }

written_to() { frames=$(metric "$WRITTEN") && [ "$frames" -ge "$1" ]; }

received_to() { [ "$(standing | cut -d' ' -f4)" -ge "$1" ]; }

# Each look is kept: how the registry empties, how long the metrics took to answer, and what the kernel
# has to do with it.
emptied() {
  asked=$(now)
  users=$(metric holdfast_users) || users=unknown
  echo "$(now) users $users after $(seconds_since "$asked") s $(grep ^TCP: /proc/net/sockstat)" >> leaving.progress
  [ "$users" != unknown ] && [ "$users" -le 10 ]
}

broadcast() {
  held=$(metric holdfast_sessions) && frames=$(metric "$WRITTEN") || return 1
  written=$((frames + held))
  received=$(($(standing | cut -d' ' -f4) + held))
  begun=$(now)
  fetch --header "Authorization: Bearer $(cat "$SECRETS/api")" --header 'Content-Type: application/json' \
    --post-data '{"to":{"all":true},"data":"hello, everybody"}' "$API/v1/push" > broadcast.answer || return 1
  await "the gateway has written the broadcast" "$PATIENCE" written_to $written || return 1
  seconds_since "$begun" > written.seconds
  await "everybody has the broadcast" "$PATIENCE" received_to $received || return 1
  seconds_since "$begun" > received.seconds
  say step "broadcast written in $(cat written.seconds) s, with everybody in $(cat received.seconds) s"
}

# Everybody leaves at once, and the load client writes its report.
leave() {
  leaver=$STRESS STRESS='' begun=$(now)
  kill -INT "$leaver"
  if ! await "the registry is empty" $((4 * PATIENCE)) emptied; then
    say step "$users users are still in the registry"
    snapshot leaving
    return 1
  fi
  seconds_since "$begun" > leaving.seconds
  say step "all sessions closed and gone from the registry in $(cat leaving.seconds) s"
  # Its exit code knows nothing of the broadcast; the host looks at the sessions in its report.
  wait "$leaver" || true
}

hold() {
  begun=$(now)
  await "the end of the hold" $((HOLD + PATIENCE)) has_passed "$begun" "$HOLD"
}

boot_servers() {
  set_limits || return 1
  make_secrets
  start_gateway
  start_pusher
  await "gateway and pusher-api are ready" "$PATIENCE" ready "$OPERATORS" &&
    await "pusher-api knows the gateway" "$PATIENCE" ready "$API" &&
    snapshot before &&
    say step "gateway and pusher-api are ready; opening $SESSIONS sessions"
}

# All sessions in one go, then pushes, the hold, and a message to everybody.
fill_and_hold() {
  # It would hold for a day: the journey tells it to end.
  start_stress push --push-for "${PUSH_FOR}s" --hold 24h
  begun=$(now)
  await "the end of the ramp" "$RAMP_LIMIT" past_opening || return 1
  snapshot ramped
  say step "ramp over in $(seconds_since "$begun") s; pushing for $PUSH_FOR s"
  await "the end of the pushes" $((PUSH_FOR + PATIENCE)) doing holding || return 1
  snapshot pushed
  say step "pushes over; holding for $HOLD s"
  hold || return 1
  snapshot held
  broadcast
}

# The same sessions again; some of them leave at once and come back at once.
storm() {
  say step "opening $SESSIONS sessions again; $STORM of them will leave and come back at once"
  start_stress storm --drop "$STORM" --hold 10s --settle 30s --reopen-timeout "${RAMP_LIMIT}s"
  await "the end of the storm" $((2 * RAMP_LIMIT + PATIENCE)) gone || return 1
  wait "$STRESS"
  storm_outcome=$?
  say step "storm over"
  return $storm_outcome
}

journey() {
  boot_servers || return 1
  fill_and_hold
  outcome=$?
  snapshot last
  leave || return 1
  sleep 30
  snapshot emptied
  [ "$outcome" = 0 ] && [ "$STORM" -gt 0 ] || return "$outcome"
  storm
}
