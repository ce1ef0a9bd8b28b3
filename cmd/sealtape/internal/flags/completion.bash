# bash completion for sealtape. Each line that "sealtape complete" prints is a word, a tab
# and what it is, or says that paths are meant.
_sealtape() {
	local cur=${COMP_WORDS[COMP_CWORD]} quote= glued= n=0 word line i
	local -a words=() folders=()
	COMPREPLY=()
	# Bash takes "--store=x" for three words.
	for ((i = 1; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ $n -gt 0 && ($word == = || $glued) ]]; then
			words[n - 1]+=$word
			[[ $word == = ]] && glued=1 || glued=
		else
			words[n]=$word
			n=$((n + 1))
		fi
	done
	[[ $cur == = ]] && cur=
	# What is typed may begin with a quotation mark, and then is not escaped.
	if [[ $cur == [\"\']* ]]; then
		quote=1
		words[n - 1]=${words[n - 1]%"$cur"}${cur:1}
		cur=${cur:1}
	else
		words[n - 1]=${words[n - 1]//\\/}
	fi
	while IFS= read -r line; do
		case $line in
		:files) while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur"); compopt -o filenames ;;
		:folders) while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -d -- "$cur"); compopt -o filenames ;;
		*)
			word=${line%%$'\t'*}
			[[ ${words[n - 1]} == -*=* ]] && word=${word#*=}
			[[ $quote ]] || printf -v word %q "$word"
			COMPREPLY+=("$word")
			;;
		esac
	done < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
}
complete -F _sealtape sealtape
