package flags

import (
	"context"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// Completion returns the command that prints what makes a shell complete.
func Completion() *cli.Command {
	var o CompletionOptions
	return &cli.Command{
		Name:      "completion",
		Usage:     "print what makes a shell complete sealtape's commands",
		ArgsUsage: "bash|zsh|fish",
		Description: `For bash, once:
  sealtape completion bash > ~/.local/share/bash-completion/completions/sealtape`,
		Action: Action(&o, runCompletion, Argument{Name: "bash, zsh or fish", To: &o.Shell}),
	}
}

// CompletionOptions are those of it.
type CompletionOptions struct {
	Shell string
	fish  func() (string, error) // what cli makes for that one
}

// Rest takes from c what makes the completion of fish.
func (o *CompletionOptions) Rest(c *cli.Context) { o.fish = c.App.ToFishCompletion }

// Check refuses a shell that is not known.
func (o *CompletionOptions) Check() error {
	if !slices.Contains([]string{"bash", "zsh", "fish"}, o.Shell) {
		return ui.Misuse("no completion for %q", o.Shell)
	}
	return nil
}

func runCompletion(_ context.Context, e *ui.Env, o *CompletionOptions) (err error) {
	script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion}[o.Shell]
	if o.Shell == "fish" {
		script, err = o.fish()
	}
	e.Printf("%s", script)
	return err
}

// Both ask sealtape itself, with the words typed so far.
const bashCompletion = `_sealtape() {
	local cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]:0:COMP_CWORD}")
	[[ $cur == -* ]] && words+=("$cur")
	COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur"))
}
complete -o bashdefault -o default -F _sealtape sealtape
`

const zshCompletion = `#compdef sealtape
_sealtape() {
	local cur=${words[CURRENT]} asked=("${(@)words[1,CURRENT-1]}")
	[[ $cur == -* ]] && asked+=("$cur")
	local -a found=("${(@f)$("${asked[@]}" --generate-bash-completion 2>/dev/null)}")
	if [[ -n ${found[1]} ]]; then compadd -a found; else _files; fi
}
compdef _sealtape sealtape
`
