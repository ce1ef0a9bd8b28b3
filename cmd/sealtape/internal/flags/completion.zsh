#compdef sealtape
# zsh completion for sealtape: see the script for bash.
_sealtape() {
	local line
	local -a found
	for line in "${(@f)$("${(Q)words[1]}" complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
		case $line in
		'') ;;
		:files) _files ;;
		:folders) _files -/ ;;
		*) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
		esac
	done
	if (( $#found )); then _describe sealtape found; fi
}
if [[ $funcstack[1] == _sealtape ]]; then
	_sealtape "$@"
else
	compdef _sealtape sealtape
fi
