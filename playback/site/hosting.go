package site

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A header is one that the host should send with every file.
type header struct{ name, value string }

// headers are those. The policy is that of the document, and what only a header can say:
// that nobody puts the page in a frame, and that every script has a hash.
func (c *Config) headers(policy string) []header {
	return []header{
		{"Content-Security-Policy", policy + "; frame-ancestors 'none'"},
		{"Integrity-Policy", "blocked-destinations=(script)"},
		// A popup with the keys of another origin answers to the page that opened it.
		{"Cross-Origin-Opener-Policy", "same-origin-allow-popups"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"Permissions-Policy", "fullscreen=(self), screen-wake-lock=(self), publickey-credentials-create=(self), " +
			"publickey-credentials-get=(self), accelerometer=(), bluetooth=(), camera=(), display-capture=(), geolocation=(), " +
			"gyroscope=(), hid=(), identity-credentials-get=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()"},
	}
}

const (
	// forever is how browsers keep what has its hash in its name.
	forever = "public, max-age=31536000, immutable"
	// anew is how they keep the document: they ask whether it has changed.
	anew = "no-cache"
	// hashed matches the names that do not change.
	hashed = `-[0-9a-f]{16}\.(js|css|wasm)$`
)

// hosting returns settings with which web servers send the headers, for the folder that
// the site is in.
func (c *Config) hosting(policy string) ([]File, error) {
	headers := c.headers(policy)
	cloudfront, err := cloudFront(headers)
	if err != nil {
		return nil, err
	}
	return []File{
		{"hosting/nginx.conf", typeText, nginx(headers)},
		{"hosting/Caddyfile", typeText, caddy(headers)},
		{"hosting/cloudfront.json", "application/json", cloudfront},
	}, nil
}

const typeText = "text/plain; charset=utf-8"

func nginx(headers []header) []byte {
	var b strings.Builder
	b.WriteString(`# For a server block of nginx: the origin is the player's alone. Set root to its folder.
index index.html;
autoindex off;
charset utf-8;
charset_types text/css text/javascript text/plain;
types {
    text/html        html;
    text/css         css;
    text/javascript  js;
    application/wasm wasm;
    text/plain       sha256;
}
gzip_static on;
set $sealtape_cache "` + anew + `";
if ($uri ~ "` + hashed + `") {
    set $sealtape_cache "` + forever + `";
}
add_header Cache-Control $sealtape_cache always;
add_header Vary Accept-Encoding always;
# Brotli, also without the module for it: what is beside a part as .br.
set $sealtape_encoding "";
set $sealtape_takes "$http_accept_encoding $uri";
if (!-f $request_filename.br) {
    set $sealtape_takes "";
}
if ($sealtape_takes ~ "^[^/]*\bbr\b.*` + hashed + `") {
    set $sealtape_encoding br;
    rewrite ^ $uri.br;
}
add_header Content-Encoding $sealtape_encoding;
`)
	for _, h := range headers {
		fmt.Fprintf(&b, "add_header %s %q always;\n", h.name, h.value)
	}
	for _, kind := range []struct{ ending, name string }{{"css", typeStyle}, {"js", typeScript}, {"wasm", typeProgram}} {
		name, _, _ := strings.Cut(kind.name, ";")
		fmt.Fprintf(&b, "location ~ \"-[0-9a-f]{16}\\.%s\\.br$\" {\n    internal;\n    gzip off;\n    gzip_static off;\n    types {}\n    default_type %s;\n}\n", kind.ending, name)
	}
	b.WriteString("location /hosting/ {\n    return 404;\n}\n")
	return []byte(b.String())
}

func caddy(headers []header) []byte {
	var b strings.Builder
	b.WriteString(`# For Caddy: put your name and the player's folder in.
tapes.example.org {
	root * /srv/sealtape
	@parts path_regexp ` + hashed + `
	@page not path_regexp ` + hashed + `
	header @parts Cache-Control "` + forever + `"
	header @page Cache-Control "` + anew + `"
	header {
`)
	for _, h := range headers {
		fmt.Fprintf(&b, "\t\t%s %q\n", h.name, h.value)
	}
	b.WriteString(`	}
	respond /hosting/* 404
	file_server {
		precompressed br gzip
	}
}
`)
	return []byte(b.String())
}

// cloudFront returns a response headers policy as the command line of AWS takes it.
func cloudFront(headers []header) ([]byte, error) {
	type item struct {
		Header   string
		Value    string
		Override bool
	}
	var policy struct {
		Name, Comment         string
		SecurityHeadersConfig struct {
			ContentSecurityPolicy struct {
				Override              bool
				ContentSecurityPolicy string
			}
			ContentTypeOptions struct{ Override bool }
			FrameOptions       struct {
				Override    bool
				FrameOption string
			}
			ReferrerPolicy struct {
				Override       bool
				ReferrerPolicy string
			}
		}
		CustomHeadersConfig struct {
			Quantity int
			Items    []item
		}
	}
	policy.Name, policy.Comment = "sealtape-player", "sealtape player"
	s := &policy.SecurityHeadersConfig
	for _, h := range headers {
		switch h.name {
		case "Content-Security-Policy":
			s.ContentSecurityPolicy.Override, s.ContentSecurityPolicy.ContentSecurityPolicy = true, h.value
		case "X-Content-Type-Options":
			s.ContentTypeOptions.Override = true
		case "X-Frame-Options":
			s.FrameOptions.Override, s.FrameOptions.FrameOption = true, h.value
		case "Referrer-Policy":
			s.ReferrerPolicy.Override, s.ReferrerPolicy.ReferrerPolicy = true, h.value
		default:
			policy.CustomHeadersConfig.Items = append(policy.CustomHeadersConfig.Items, item{h.name, h.value, true})
		}
	}
	policy.CustomHeadersConfig.Quantity = len(policy.CustomHeadersConfig.Items)
	text, err := json.MarshalIndent(policy, "", "  ")
	return append(text, '\n'), err
}
