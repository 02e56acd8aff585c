#!/bin/sh
# Miniflare starts this instead of workerd. It becomes workerd, and leaves behind a watcher that ends workerd as soon as the
# process that started it is gone, however it went (kill -9 included).
parent=$PPID
self=$$
echo "$self" > "$LOOMOS_WORKERD_PID"

# Ctrl-C in a terminal reaches every process of the group; workerd must live until the coordinator is closed in order.
trap '' INT HUP

# /proc/PID/exe is gone for a zombie too, which kill -0 still finds.
is_alive() {
  if [ -e /proc/self/exe ]; then [ -e "/proc/$1/exe" ]; else kill -0 "$1" 2>/dev/null; fi
}

(
  while is_alive "$parent" && is_alive "$self"; do sleep 1; done
  is_alive "$self" && kill -9 "$self"
) < /dev/null > /dev/null 2>&1 3>&- &

exec "$LOOMOS_WORKERD" "$@"
