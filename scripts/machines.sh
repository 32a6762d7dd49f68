# shellcheck shell=bash
#
# Sourced by scripts that try things on a machine on which nothing is installed: Debian's minimal system in a
# directory, made by debootstrap.  Needs root and the network.  The mirror, its proxy and certificates are those of
# this machine's apt.  Environment:
#   FACTSTR_MIRROR=URL     another mirror of Debian
#   FACTSTR_PACKAGES=DIR   keep the packages of the minimal system there, for the next time

# Ends a script that cannot create machines, and names the test that is skipped.
need_machines() {
  [ "$(id -u)" -eq 0 ] || die "it needs root, for chroot"
  command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
  [ -e "$TOP/.git" ] || die "this is no clone of the repository"
  git -c "safe.directory=$TOP" -C "$TOP" diff --quiet HEAD ||
    say "Uncommitted changes are not tested."
  use_proxy
}

# The sources of this machine's apt: a mirror and a codename per line.
sources() {
  apt-get indextargets --format "\$(REPO_URI) \$(CODENAME)" \
    "Created-By: Packages" "Origin: Debian" "Component: main"
}

sources_of() {
  sources | grep -E " $1(-[a-z]+)?$" || true
}

# A mirror that has one suite of Debian has all of them.
mirror() {
  [ -z "${FACTSTR_MIRROR:-}" ] || { printf '%s\n' "$FACTSTR_MIRROR"; return; }
  sources | sed -n 's/ [a-z]*$//p' | head -n 1 | grep . ||
    die "apt has no sources of Debian here; run apt-get update, or set FACTSTR_MIRROR"
}

# The proxy of apt is debootstrap's, too.  The array "proxies" has the proxies of the environment.
use_proxy() {
  local http_proxy_of_apt

  if [ -z "${http_proxy:-}" ]; then
    eval "$(apt-config shell http_proxy_of_apt Acquire::http::Proxy)"
    [ -z "${http_proxy_of_apt:-}" ] || export http_proxy=$http_proxy_of_apt
  fi
  mapfile -t proxies < <(env | grep -iE '^(https?|ftp|all|no)_proxy=' || true)
}

# Mounts and processes are those of namespaces, which end with the command, however it ends.
isolated() {
  unshare --mount --propagation private --pid --ipc --uts --fork --kill-child "$@"
}

# make_minimal_system SUITE DIRECTORY [ARCHITECTURE]
make_minimal_system() {
  isolated debootstrap --variant=minbase ${3:+"--arch=$3"} ${FACTSTR_PACKAGES:+"--cache-dir=$(realpath -- "$FACTSTR_PACKAGES")"} \
    "$1" "$2" "$(mirror)"
  copy_settings "$1" "$2"
}

# How apt gets to its archive.  A suite that this machine has no sources of keeps those of debootstrap; the mirror may
# be a snapshot, whose lists of a suite that changes each day are out of date.
copy_settings() {
  local suite=$1 root=$2

  apt-config dump --format '%F "%v";%n' Acquire::http Acquire::https Acquire::Retries \
    >"$root/etc/apt/apt.conf.d/90machine"
  if [ -z "${FACTSTR_MIRROR:-}" ] && [ -n "$(sources_of "$suite")" ]; then
    sources_of "$suite" | sed 's/.*/deb & main/' >"$root/etc/apt/sources.list"
  else
    echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90snapshot"
  fi
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    mkdir -p "$root/etc/ssl/certs" "$root/usr/local/share/ca-certificates"
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
  fi
}

# copy_machine MINIMAL MACHINE: another machine, in place of the one that may be there.
copy_machine() {
  rm -rf "$2"
  cp -a "$1" "$2"
}

# in_machine MACHINE SHARED COMMAND...: run a command in a machine, where the directory SHARED is /run/factstr.
in_machine() {
  # shellcheck disable=SC2016  # expanded in the namespaces
  isolated bash -c '
    mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm" &&
      mount -t sysfs -o ro sysfs "$1/sys" && mkdir -p "$1/run/factstr" && mount --bind "$2" "$1/run/factstr" || exit
    machine=$1
    shift 2
    exec chroot "$machine" "$@"' in_machine "$1" "$2" \
    env -i HOME=/root TERM=dumb PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    DEBIAN_FRONTEND=noninteractive "${proxies[@]}" "${@:3}"
}
