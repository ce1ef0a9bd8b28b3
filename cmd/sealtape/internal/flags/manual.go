package flags

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Manual returns the pages of a program's manual, section 1, by the names of their files: one
// of the program, and one of each command that help lists. They say what help says, in the
// man macros of troff.
func Manual(app *cli.App) map[string]string {
	pages := make(map[string]string)
	var all func(path []string, cs []*cli.Command)
	all = func(path []string, cs []*cli.Command) {
		for _, c := range cs {
			if c.Hidden {
				continue
			}
			path := append(slices.Clone(path), c.Name)
			pages[strings.Join(path, "-")+".1"] = commandPage(app, path, c)
			all(path, c.Subcommands)
		}
	}
	all([]string{app.Name}, app.Commands)
	p := newPage(app, []string{app.Name}, app.Usage)
	p.section("SYNOPSIS")
	p.bold(app.Name + " COMMAND [flags]")
	p.commands([]string{app.Name}, app.Commands)
	p.flags(app.Flags)
	p.section("EXIT STATUS")
	p.lines(exitCodes)
	pages[app.Name+".1"] = p.String()
	return pages
}

// exitCodes are those of package ui, for people.
const exitCodes = `  0  done
  1  error
  2  the command line makes no sense
  3  the recording is incomplete
  4  verification failed
  5  no key of yours opens it`

// commandPage is the page of one command.
func commandPage(app *cli.App, path []string, c *cli.Command) string {
	p := newPage(app, path, c.Usage)
	p.section("SYNOPSIS")
	usage := strings.Join(path, " ")
	if len(c.Subcommands) > 0 && c.ArgsUsage == "" {
		usage += " COMMAND"
	}
	if c.ArgsUsage != "" {
		usage += " " + c.ArgsUsage
	}
	if len(c.VisibleFlags()) > 0 {
		usage += " [flags]"
	}
	p.bold(usage)
	if c.Description != "" {
		p.section("DESCRIPTION")
		p.lines(c.Description)
	}
	p.commands(path, c.Subcommands)
	p.flags(c.VisibleFlags())
	if c.UsageText != "" {
		p.section("EXAMPLES")
		p.lines(c.UsageText)
	}
	p.section("SEE ALSO")
	p.line(app.Name + "(1)")
	return p.String()
}

// A page is troff that grows.
type page struct{ strings.Builder }

func newPage(app *cli.App, path []string, about string) *page {
	p := new(page)
	name := strings.Join(path, "-")
	// No date: the same program makes the same page on every day.
	fmt.Fprintf(p, ".TH %q 1 \"\" %q \"Sealtape\"\n", strings.ToUpper(name), app.Name+" "+strings.Fields(app.Version)[0])
	p.WriteString(".nh\n.ad l\n") // a flag and a file are not broken, and columns stay
	p.section("NAME")
	p.line(name + " - " + about)
	return p
}

func (p *page) section(name string) { fmt.Fprintf(p, ".SH %s\n", name) }

// line writes a line of running text.
func (p *page) line(text string) {
	text = troff(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text // else it were a macro
	}
	p.WriteString(text + "\n")
}

func (p *page) bold(text string) { fmt.Fprintf(p, "\\fB%s\\fR\n", troff(text)) }

// lines writes text as help has it: paragraphs, which may be filled, and lines that begin
// with spaces, which stay as they are.
func (p *page) lines(text string) {
	kept := false
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		switch indented := strings.HasPrefix(line, "  "); {
		case indented && !kept:
			p.WriteString(".PP\n.nf\n")
			kept = true
		case !indented && kept:
			p.WriteString(".fi\n.PP\n")
			kept = false
		}
		if line == "" {
			p.WriteString(".PP\n")
			continue
		}
		p.line(line)
	}
	if kept {
		p.WriteString(".fi\n")
	}
}

func (p *page) commands(path []string, cs []*cli.Command) {
	if len(cs) == 0 {
		return
	}
	p.section("COMMANDS")
	for _, c := range cs {
		if !c.Hidden {
			p.WriteString(".TP\n")
			p.bold(strings.Join(path, "-") + "-" + c.Name + "(1)")
			p.line(c.Usage)
		}
	}
}

func (p *page) flags(fs []cli.Flag) {
	if len(fs) == 0 {
		return
	}
	p.section("OPTIONS")
	for _, f := range fs {
		names, about, _ := strings.Cut(f.String(), "\t")
		p.WriteString(".TP\n")
		p.bold(strings.TrimSpace(names))
		p.line(strings.ReplaceAll(about, "\t", " "))
	}
}

// troff writes text so that troff shows it as it is.
func troff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
}
