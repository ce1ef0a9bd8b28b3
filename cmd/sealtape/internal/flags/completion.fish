# fish completion for sealtape: see the script for bash.
function __sealtape_complete
	set -l typed (commandline -opc)
	set -l word (commandline -ct)
	for line in ($typed[1] complete -- $typed[2..-1] "$word" 2>/dev/null)
		switch $line
			case :files
				__fish_complete_path "$word"
			case :folders
				__fish_complete_directories "$word" ''
			case '*'
				echo $line
		end
	end
end
complete -c sealtape -f -a '(__sealtape_complete)'
