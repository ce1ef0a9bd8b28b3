package flags

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// A Candidate is what a word of a command line may become, and what that is.
type Candidate struct{ Value, About string }

// Paths says which paths a word may become, besides candidates.
type Paths string

const (
	NoPaths Paths = ""
	Files   Paths = ":files"
	Folders Paths = ":folders"
)

// A Place is where in a command line a word stands that a shell completes.
type Place struct {
	Command  string   // names of the command, such as "keys add"; "" is sealtape itself
	Flag     string   // whose value the word is, by its first name; "" is none
	Argument int      // how many arguments stand before it
	Stores   []string // what --store says in the words before it

	prefix   string // of the word, before the value: "--store=" or nothing
	word     string // what was typed of the rest
	onlyArgs bool   // behind "--"
	flags    []cli.Flag
	given    map[string]bool
	commands []*cli.Command
}

// Locate returns the place of the last of words, which follow the program's name.
func Locate(app *cli.App, words []string) Place {
	p := Place{flags: app.Flags, commands: app.Commands, given: make(map[string]bool)}
	if len(words) == 0 {
		return p
	}
	rest := words[:len(words)-1]
	p.word = words[len(words)-1]
	for len(rest) > 0 {
		word := rest[0]
		rest = rest[1:]
		switch {
		case p.onlyArgs:
			p.Argument++
		case word == "--":
			p.onlyArgs = true
		case len(word) > 1 && word[0] == '-':
			name, value, written := strings.Cut(strings.TrimLeft(word, "-"), "=")
			f := p.flag(name)
			if f == nil {
				continue
			}
			p.given[f.Names()[0]] = true
			if !written && takesValue(p.flags, word) {
				if len(rest) == 0 { // its value is the word
					p.Flag = f.Names()[0]
					return p
				}
				value, rest = rest[0], rest[1:]
			}
			if f.Names()[0] == "store" {
				p.Stores = append(p.Stores, value)
			}
		default:
			i := slices.IndexFunc(p.commands, func(c *cli.Command) bool { return c.HasName(word) })
			if i < 0 || p.Argument > 0 {
				p.Argument++
				continue
			}
			p.Command = strings.TrimSpace(p.Command + " " + p.commands[i].Name)
			p.flags, p.commands = slices.Concat(p.commands[i].Flags, app.Flags), p.commands[i].Subcommands
		}
	}
	if name, value, written := strings.Cut(p.word, "="); written && !p.onlyArgs && strings.HasPrefix(name, "-") {
		if f := p.flag(strings.TrimLeft(name, "-")); f != nil {
			p.Flag, p.prefix, p.word = f.Names()[0], name+"=", value
		}
	}
	return p
}

// flag returns the flag of this name, nil for none.
func (p *Place) flag(name string) cli.Flag {
	for _, f := range p.flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

// Complete returns what the word may become: commands, flags, or what values says of a
// flag's value or of an argument.
func (p *Place) Complete(values func(*Place) ([]Candidate, Paths)) (found []Candidate, paths Paths) {
	switch {
	case p.Flag == "" && !p.onlyArgs && strings.HasPrefix(p.word, "-"):
		found = p.flagNames()
	case p.Flag == "" && p.Argument == 0 && len(p.commands) > 0:
		for _, c := range p.commands {
			if !c.Hidden {
				found = append(found, Candidate{c.Name, c.Usage})
			}
		}
	default:
		found, paths = values(p)
	}
	typed := strings.ToLower(p.word)
	found = slices.DeleteFunc(slices.Clone(found), func(c Candidate) bool {
		return !strings.HasPrefix(strings.ToLower(c.Value), typed)
	})
	for i := range found {
		found[i].Value = p.prefix + found[i].Value
	}
	return found, paths
}

// flagNames returns the flags that may still be given.
func (p *Place) flagNames() (found []Candidate) {
	for _, f := range p.flags {
		d, ok := f.(cli.DocGenerationFlag)
		s, slice := f.(cli.DocGenerationSliceFlag)
		if name := f.Names()[0]; ok && (!p.given[name] || slice && s.IsSliceFlag()) {
			found = append(found, Candidate{Dashed(name), strings.ReplaceAll(d.GetUsage(), "`", "")})
		}
	}
	if !p.given["help"] {
		found = append(found, Candidate{"--help", "show help"})
	}
	return found
}

// Placeholder returns what the help of a flag calls its value: FILE, NAME.
func (p *Place) Placeholder() string {
	d, ok := p.flag(p.Flag).(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	_, rest, _ := strings.Cut(d.GetUsage(), "`")
	placeholder, _, _ := strings.Cut(rest, "`")
	return placeholder
}
