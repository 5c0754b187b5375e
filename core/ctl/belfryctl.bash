# bash completion for belfryctl                            -*- shell-script -*-

# Names from the running daemon: the member $2 of each object that the
# command "belfryctl --json $1" prints. Nothing if it can't be reached.
_belfryctl_names()
{
	belfryctl --json $1 2>/dev/null |
		grep -o "\"$2\":\"[^\"]*\"" | cut -d'"' -f4
}

# What "channels create MODULE" and "channels set NAME" take, each with a "=":
# the settings of the module, and those that every channel has.
_belfryctl_settings()
{
	local module=$2 name

	[ "$1" = create ] || module=$(
		_belfryctl_names "channels $2 ${tenant:+-t $tenant}" module |
			head -n 1)
	for name in enabled events retry jitter rate timeout max_age \
		retry_after_max concurrency ordered $(
			[ -z "$module" ] ||
				belfryctl --json modules "$module" 2>/dev/null |
				grep -o '{"name":"[^"]*","type":' | cut -d'"' -f4); do
		echo "$name="
	done
}

_belfryctl()
{
	local commands='send explain events channels test deliveries show replay
		cancel modules token tenants passwd seal rotate audit stats backup check
		help'
	local word=${COMP_WORDS[COMP_CWORD]}
	local previous=${COMP_WORDS[COMP_CWORD-1]}
	local command='' place=0 i offered='' words=() tenant=''

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-f) case $command in send|test) ((i++)) ;; esac ;;
		-t|--tenant) tenant=${COMP_WORDS[++i]} ;;
		-[sueckmnbal]|--name|--socket|--actor|--action|--url|--event|--channel|--key|\
		--module|--limit|--body|--file|--settings|--state|--scope|\
		--since|--until|--timestamp|--timeout) ((i++)) ;;
		-*) ;;
		*) if [ -z "$command" ]; then
			command=${COMP_WORDS[i]}
		   else
			words[place++]=${COMP_WORDS[i]}
		   fi ;;
		esac
	done

	case "$command $previous" in
	' -s'|' --socket'|'send -f'|'send --file'|'test -f'|'test --settings')
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	'deliveries -s'|*' --state') offered='scheduled sending delivered failed cancelled' ;;
	'token -s'|*' --scope') offered='ingest metrics read manage admin' ;;
	'tenants -l'|'tenants --limit')
		offered='events_per_second= burst= channels= tokens= stored_bytes=' ;;
	*' --action') offered=$(_belfryctl_names audit action) ;;
	*' -c'|*' --channel') offered=$(_belfryctl_names channels name) ;;
	*' -m'|*' --module') offered=$(_belfryctl_names modules name) ;;
	*' -e'|*' --event') offered=$(_belfryctl_names events name) ;;
	*)
		case $command:$place in
		:*) offered="$commands --socket --url --json --version --help" ;;
		send:0|explain:0|events:0)
			offered=$(_belfryctl_names events name) ;;
		events:1) offered='on off default' ;;
		channels:0)
			offered="create set delete start enable disable $(
				_belfryctl_names channels name)" ;;
		channels:1)
			case " ${COMP_WORDS[*]} " in
			*' create '*) offered=$(_belfryctl_names modules name) ;;
			*) offered=$(_belfryctl_names channels name) ;;
			esac ;;
		channels:*)
			case " ${words[*]} " in
			' create '*|' set '*)
				if [ $place -gt 2 ] || [ "${words[0]}" = set ]; then
					offered=$(_belfryctl_settings ${words[@]:0:2})
					compopt -o nospace 2>/dev/null
				fi ;;
			esac ;;
		modules:0) offered=$(_belfryctl_names modules name) ;;
		test:0|seal:0)
			offered=$(_belfryctl_names channels name) ;;
		show:0|replay:*|cancel:*)
			offered=$(_belfryctl_names deliveries id) ;;
		token:0) offered='list create revoke' ;;
		token:1) offered=$(_belfryctl_names token name) ;;
		tenants:0) offered='list show create set delete' ;;
		tenants:1) offered=$(_belfryctl_names tenants id) ;;
		help:0) offered=$commands ;;
		backup:0)
			COMPREPLY=($(compgen -f -- "$word"))
			return ;;
		esac
		;;
	esac

	if [ -n "$command" ] && [ "${word#-}" != "$word" ]; then
		offered=$(belfryctl "$command" --help 2>/dev/null |
			grep -o -- '--[a-z]*')
	fi
	COMPREPLY=($(compgen -W "$offered" -- "$word"))
}

complete -F _belfryctl belfryctl
