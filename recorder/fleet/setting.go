package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
)

// A Setting is one flag of "sealtape record" as a policy gives it: its name without
// dashes, and its values, of which a list may have several.
type Setting struct {
	Name   string
	Values []string
	List   bool
	Line   int // in the file; 0 for one of a Program's answer
}

// Limits of a policy.
const (
	MaxPolicy   = 1 << 20 // bytes of a file
	maxSettings = 256
	maxValues   = 4096 // of one setting
)

// parsed is what a file or an answer says.
type parsed struct {
	rooms, command []string
	start, asked   bool // start is set, and to "asked"
	settings       []Setting
}

// parse reads a mapping of YAML, of which JSON is a part. name is for errors.
func parse(name string, b []byte) (p parsed, err error) {
	if len(b) > MaxPolicy {
		return p, fmt.Errorf("%s is longer than %d bytes", name, MaxPolicy)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) {
		return p, fmt.Errorf("%s is empty", name)
	} else if err != nil {
		return p, fmt.Errorf("%s is no YAML: a line for each setting, as NAME: VALUE", name) // yaml shows what it read
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return p, fmt.Errorf("%s holds more than one document", name)
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return p, fmt.Errorf("%s is no list of settings: a line for each, as NAME: VALUE", name)
	}
	var names []string
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		at := fmt.Sprintf("%s, line %d", name, key.Line)
		if key.Kind != yaml.ScalarNode || len(key.Value) > maxName {
			return p, fmt.Errorf("%s: no name of a setting", at)
		}
		if slices.Contains(names, key.Value) {
			return p, fmt.Errorf("%s: %s is set twice", at, key.Value)
		}
		if names = append(names, key.Value); len(names) > maxSettings {
			return p, fmt.Errorf("%s has more than %d settings", name, maxSettings)
		}
		s := Setting{Name: key.Value, Line: key.Line, List: value.Kind == yaml.SequenceNode}
		if s.Values, err = values(value); err != nil {
			return p, fmt.Errorf("%s: %s %w", at, key.Value, err)
		}
		switch key.Value {
		case "rooms":
			p.rooms = s.Values
		case "start":
			p.start = true
			switch p.asked = len(s.Values) == 1 && s.Values[0] == "asked"; {
			case p.asked, len(s.Values) == 1 && s.Values[0] == "always":
			default:
				return p, fmt.Errorf("%s: start is always or asked", at)
			}
		case "command":
			if !s.List {
				return p, fmt.Errorf("%s: command is a list: the program, and each of its arguments", at)
			}
			p.command = s.Values
		default:
			if why := ownSetting(key.Value); why != "" {
				return p, fmt.Errorf("%s: %s has no place in a policy: %s", at, key.Value, why)
			}
			p.settings = append(p.settings, s)
		}
	}
	return p, nil
}

// values returns the value of a setting, or those of a list.
func values(n *yaml.Node) (out []string, err error) {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	if len(nodes) > maxValues {
		return nil, fmt.Errorf("has more than %d values", maxValues)
	}
	for _, v := range nodes {
		if v.Kind != yaml.ScalarNode || v.Tag == "!!null" {
			return nil, errors.New("has no plain value")
		}
		out = append(out, v.Value)
	}
	return out, nil
}

// ownSetting says why a setting is the worker's own, "" if it is not.
func ownSetting(name string) string {
	switch name {
	case "room":
		return "rooms has patterns of those that it is for, and the dispatch says which"
	case "url", "token", "token-file", "token-command", "api-key", "api-secret", "api-secret-file", "identity":
		return "the worker joins all rooms"
	case "config", "json", "metrics-addr", "log-level", "log-format", "others", "secrets-file", "status-file", "token-program":
		return "the worker says it for all rooms"
	}
	return ""
}

// config returns settings as a file for "record --config". No value in it is anything but
// text.
func config(settings []Setting) ([]byte, error) {
	text := func(s string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: yaml.DoubleQuotedStyle}
	}
	doc := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range settings {
		value := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, v := range s.Values {
			value.Content = append(value.Content, text(v))
		}
		if !s.List && len(s.Values) == 1 {
			value = value.Content[0]
		}
		doc.Content = append(doc.Content, text(s.Name), value)
	}
	return yaml.Marshal(doc)
}
