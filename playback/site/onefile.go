package site

import (
	"bytes"
	"encoding/base64"
	"fmt"
)

// OneFileName is what the player is called that is one file.
const OneFileName = "sealtape-player.html"

// anyStore is where one file may fetch from that was built for no store: it has been
// compared by its hash, and a link that is pasted in says where.
var anyStore = []string{"https:", "http://localhost:*", "http://127.0.0.1:*"}

// BuildOneFile returns the player as one file for a reader's own disk. Config.Direct does
// not count. Without Config.Stores it may fetch from any store.
func BuildOneFile(c Config) (*File, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	c.Direct = false
	d, err := readDocument(c.Page)
	if err != nil {
		return nil, err
	}
	script, _, err := linkPage(&c, d.entry)
	if err != nil {
		return nil, err
	}
	script = inline(script)
	if err := stays(script); err != nil {
		return nil, err
	}
	worker, err := linkWorker(&c)
	if err != nil {
		return nil, err
	}
	stores := c.Stores
	if len(stores) == 0 {
		stores = anyStore
	}
	var data bytes.Buffer
	for _, p := range []struct {
		id   string
		data []byte
	}{{"wasm", c.Program}, {"worker", worker}} {
		packed, err := pack(p.data)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&data, "<script type=\"application/gzip\" id=\"%s\">%s</script>\n", p.id, base64.StdEncoding.EncodeToString(packed))
	}
	styles := bytes.TrimSpace(d.styles)
	policy := csp{scripts: hashes(append(d.inline, script)), workers: []string{"blob:"}, styles: hashes([][]byte{styles}), reaches: stores}
	html, err := d.write(parts{Version: c.Version, Stores: stores}, policy.String(), pieces{data: data.String(),
		styles: fmt.Sprintf("<style>%s</style>", styles),
		script: fmt.Sprintf("<script type=\"module\">%s</script>", script)})
	if err != nil {
		return nil, err
	}
	return &File{OneFileName, typePage, html}, nil
}
