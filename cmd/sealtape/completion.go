package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

func completionCommand() *cli.Command {
	var o completionOptions
	return &cli.Command{
		Name:      "completion",
		Usage:     "print what makes a shell complete sealtape's commands",
		ArgsUsage: "bash|zsh|fish",
		Description: `For bash, once:
  sealtape completion bash > ~/.local/share/bash-completion/completions/sealtape`,
		Action: action(&o, runCompletion, argument{name: "bash, zsh or fish", to: &o.shell}),
	}
}

type completionOptions struct {
	shell string
	fish  func() (string, error) // what cli makes for that one
}

func (o *completionOptions) rest(c *cli.Context) { o.fish = c.App.ToFishCompletion }

func (o *completionOptions) check() error {
	if !slices.Contains([]string{"bash", "zsh", "fish"}, o.shell) {
		return ui.Misuse("no completion for %q", o.shell)
	}
	return nil
}

func runCompletion(_ context.Context, e *ui.Env, o *completionOptions) (err error) {
	script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion}[o.shell]
	if o.shell == "fish" {
		script, err = o.fish()
	}
	e.Printf("%s", script)
	return err
}

// completeTime bounds what a shell waits for the store.
const completeTime = 2 * time.Second

// completeIDs completes the ID of a recording from the store that the flags typed
// so far, or the environment, name; it takes no key.
func completeIDs(cmd *cli.Command) cli.BashCompleteFunc {
	flags := cli.DefaultCompleteWithFlags(cmd)
	return func(c *cli.Context) {
		if typed := os.Args[len(os.Args)-2]; strings.HasPrefix(typed, "-") || c.NArg() > 0 {
			flags(c)
			return
		}
		e := ui.Of(c)
		ctx, cancel := context.WithTimeout(c.Context, completeTime)
		defer cancel()
		name := c.String("store")
		if names := storeNames(c); len(names) > 0 {
			name = names[0]
		}
		store, err := openStore(ctx, e, name, false)
		if err != nil {
			return // there is nobody to tell
		}
		e.Printf("last\n")
		for id, err := range archive.IDs(ctx, store) {
			if err != nil {
				return
			}
			e.Printf("%s\n", id)
		}
	}
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
