# Completion of the command factstr for bash.  Which commands and options there are the command says itself.

# The commands.
_factstr_commands() {
  "$1" help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p'
}

# The options of a command, or those before it.
_factstr_options() {
  { "$1" help ${2:+"$2"} 2>/dev/null | grep -o -e '--[a-z][a-z-]*'; echo --help; } | sort -u
}

_factstr() {
  local program=$1 current=$2 command='' i

  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -s | --store | --log) ((i++)) ;;
      -*) ;;
      *)
        command=${COMP_WORDS[i]}
        break
        ;;
    esac
  done
  if ((i > COMP_CWORD)); then
    [ "${COMP_WORDS[COMP_CWORD - 1]}" != --log ] || compopt +o default
    return # the value of --store, which may be a file, or of --log
  fi

  case $command:$current in
    *:-*) mapfile -t COMPREPLY < <(compgen -W "$(_factstr_options "$program" "$command")" -- "$current") ;;
    :* | help:*) mapfile -t COMPREPLY < <(compgen -W "$(_factstr_commands "$program")" -- "$current") ;;
    streams:*)
      if ((COMP_CWORD == i + 1)); then
        mapfile -t COMPREPLY < <(compgen -W 'list seek drop' -- "$current")
      fi
      ;;
  esac
}

# Everything else is the name of a file.
complete -o default -F _factstr factstr
