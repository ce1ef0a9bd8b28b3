// Package bundle links the modules of a page into one script, which loads in one
// request and has one hash. It knows the part of JavaScript's module syntax that the
// page is written in, a statement a line, and refuses the rest, so that nothing is
// linked that it did not understand.
package bundle

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sealtape/sealtape/internal/pattern"
)

// Options say how modules are linked.
type Options struct {
	// Classic makes a script for a worker that is no module. Its modules must not wait
	// at their beginning, nor ask where they are.
	Classic bool
	// Address returns the expression that stands for new URL(NAME, import.meta.url),
	// where name is a file of the page. Nil refuses such files.
	Address func(name string) (string, error)
	// Later returns the expression that stands for import(NAME) while the page runs: a promise
	// of that module. Nil links such modules, too.
	Later func(name string) (string, error)
}

// Link returns the module entry and all that it imports, directly or not, as one
// script. Modules run once, in the order in which a browser would run them. What is
// imported while the page runs is a part of the script, too, and runs with it, unless
// Options.Later says otherwise.
//
// Comments that have lines of their own are left out, but those that begin with /*!.
func Link(files fs.FS, entry string, o Options) ([]byte, error) {
	l := linker{files: files, o: o, names: make(map[string]string)}
	if err := l.add(entry, nil); err != nil {
		return nil, err
	}
	if exports := l.exports; len(exports) > 0 && !o.Classic {
		fmt.Fprintf(&l.out, "export const { %s } = %s;\n", strings.Join(exports, ", "), l.names[entry])
	}
	return []byte(l.out.String()), nil
}

type linker struct {
	files fs.FS
	o     Options
	names map[string]string // what a module's exports are called in the script, by file
	out   strings.Builder

	exports []string // of the module that was linked last, which is the entry in the end
}

var (
	importNames = pattern.Of(`^import \{ ([\w$, ]+) \} from "(\.[^"]+)";$`)
	importAll   = pattern.Of(`^import \* as ([\w$]+) from "(\.[^"]+)";$`)
	importOnly  = pattern.Of(`^import "(\.[^"]+)";$`)
	exportOne   = pattern.Of(`^export ((?:async )?function\*?|class|const) ([\w$]+)`)
	exportList  = pattern.Of(`^export \{ ([\w$, ]+) \};$`)
	importLater = pattern.Of(`\bimport\("(\.[^"]+)"\)`)
	addressOf   = pattern.Of(`\bnew URL\("(\.[^"]+\.js)", import\.meta\.url\)`)
)

// add writes a module behind those that it imports. by are the modules that lead to it.
func (l *linker) add(name string, by []string) error {
	if _, ok := l.names[name]; ok {
		return nil
	}
	if slices.Contains(by, name) {
		return fmt.Errorf("%s imports itself, by way of %s", name, by[len(by)-1])
	}
	text, err := fs.ReadFile(l.files, name)
	if err != nil {
		return err
	}
	m := module{linker: l, name: name, by: append(slices.Clone(by), name)}
	lines, err := code(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for n, line := range lines {
		if lines[n], err = m.line(line); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	l.names[name], l.exports = fmt.Sprintf("$%d", len(l.names)), m.exports
	begin, end := "(() => {", "})();"
	if m.waits {
		begin, end = "await (async () => {", "})();"
	}
	fmt.Fprintf(&l.out, "// %s\nconst %s = %s\n%s\nreturn { %s };\n%s\n", name, l.names[name], begin,
		strings.Join(lines, "\n"), strings.Join(m.exports, ", "), end)
	return nil
}

// A module is one that is being linked.
type module struct {
	*linker
	name    string
	by      []string
	exports []string
	waits   bool // for something, before those behind it run
}

// line returns a line as it is in the script.
func (m *module) line(line string) (string, error) {
	switch {
	case strings.HasPrefix(line, "import") && !strings.HasPrefix(line, "import("):
		return m.importLine(line)
	case strings.HasPrefix(line, "export"):
		return m.exportLine(line)
	case strings.HasPrefix(line, "} from "), strings.HasPrefix(line, "await "):
		return "", fmt.Errorf("not understood: %s", line)
	}
	var err error
	if line[:len(line)-len(strings.TrimLeft(line, "\t "))] == "" && strings.Contains(line, " = await ") {
		m.waits = true
		if m.o.Classic {
			err = fmt.Errorf("a classic script cannot wait: %s", line)
		}
	}
	line = replace(addressOf(), line, func(to string) string {
		expression, failed := "", fmt.Errorf("%s has no address here", to)
		if m.o.Address != nil {
			expression, failed = m.o.Address(m.path(to))
		}
		if failed != nil {
			err = failed
		}
		return expression
	})
	line = replace(importLater(), line, func(to string) string {
		if m.o.Later != nil {
			expression, failed := m.o.Later(m.path(to))
			if failed != nil {
				err = failed
			}
			return expression
		}
		if failed := m.add(m.path(to), m.by); failed != nil {
			err = failed
		}
		return "Promise.resolve(" + m.names[m.path(to)] + ")"
	})
	if m.o.Classic && strings.Contains(line, "import.meta") {
		err = fmt.Errorf("a classic script does not know where it is: %s", line)
	}
	return line, err
}

// replace returns the line with the first group of each match put through by.
func replace(re *regexp.Regexp, line string, by func(string) string) string {
	return re.ReplaceAllStringFunc(line, func(found string) string { return by(re.FindStringSubmatch(found)[1]) })
}

// path returns the name of the file that an import of the module names.
func (m *module) path(to string) string { return path.Join(path.Dir(m.name), to) }

func (m *module) importLine(line string) (string, error) {
	if found := importNames().FindStringSubmatch(line); found != nil {
		names := strings.ReplaceAll(found[1], " as ", ": ")
		err := m.add(m.path(found[2]), m.by)
		return fmt.Sprintf("const { %s } = %s;", names, m.names[m.path(found[2])]), err
	}
	if found := importAll().FindStringSubmatch(line); found != nil {
		err := m.add(m.path(found[2]), m.by)
		return fmt.Sprintf("const %s = %s;", found[1], m.names[m.path(found[2])]), err
	}
	if found := importOnly().FindStringSubmatch(line); found != nil {
		return "", m.add(m.path(found[1]), m.by)
	}
	return "", fmt.Errorf("not understood: %s", line)
}

// exportLine takes no variable that changes: those who import it would not see that.
func (m *module) exportLine(line string) (string, error) {
	if found := exportOne().FindStringSubmatch(line); found != nil {
		m.exports = append(m.exports, found[2])
		rest, err := m.line(strings.TrimPrefix(line, "export "))
		return rest, err
	}
	if found := exportList().FindStringSubmatch(line); found != nil {
		for one := range strings.SplitSeq(found[1], ",") {
			name, as, renamed := strings.Cut(strings.TrimSpace(one), " as ")
			if renamed {
				name = as + ": " + name
			}
			m.exports = append(m.exports, name)
		}
		return "", nil
	}
	return "", fmt.Errorf("not understood: %s", line)
}

// code returns a module's lines without comments, as far as those have lines of their
// own. Text over several lines could hold anything that looks like code, and is refused.
func code(text string) (lines []string, err error) {
	comment := false
	for line := range strings.SplitSeq(text, "\n") {
		words := strings.TrimSpace(line)
		switch {
		case comment:
			comment = !strings.HasSuffix(words, "*/")
			continue
		case words == "", strings.HasPrefix(words, "//"):
			continue
		case strings.HasPrefix(words, "/*") && !strings.HasPrefix(words, "/*!"):
			if end := strings.Index(words, "*/"); end < 0 {
				comment = true
				continue
			} else if end == len(words)-2 {
				continue
			}
		}
		if strings.Count(line, "`")%2 != 0 {
			return nil, fmt.Errorf("text over several lines: %s", line)
		}
		lines = append(lines, line)
	}
	if comment {
		return nil, fmt.Errorf("a comment does not end")
	}
	return lines, nil
}
