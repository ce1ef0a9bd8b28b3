package flags

// AppHelp is the help of sealtape.
const AppHelp = `sealtape records end-to-end-encrypted LiveKit meetings into an archive that
only the people you name can open.

Start here:{{range .VisibleCommands}}{{if eq .Name "demo"}}
  sealtape demo                                see the whole way, in a minute{{end}}{{end}}
  sealtape keys init --name "Ada Lovelace"     make your keys, once; --recorder where you record
  sealtape keys card -o ada.card               the file to give to the others
  sealtape keys add bob.card                   trust what Bob gave you
  sealtape record --room ROOM --store STORE    record a room, visibly
  sealtape list --store STORE                  what the archive holds
  sealtape verify last --store STORE           is it whole, and who recorded it?
  sealtape play last --store STORE             watch it in a browser
  sealtape export last --store STORE -o m.mkv  a file for any player

Commands:{{range .VisibleCommands}}
  {{printf "%-12s" .Name}} {{.Usage}}{{end}}

STORE is a folder or s3://bucket/prefix; SEALTAPE_STORE sets it for all commands.
All take --log-format text|json and --log-level debug|info|warn|error, which
SEALTAPE_LOG_FORMAT and SEALTAPE_LOG_LEVEL set too.
"sealtape COMMAND --help" says more.
`

// CommandHelp is the template of a command's help.
const CommandHelp = `{{.Usage}}

Usage:
  {{.HelpName}}{{if .ArgsUsage}} {{.ArgsUsage}}{{end}}{{if .VisibleFlags}} [flags]{{end}}
{{if .Description}}
{{.Description}}
{{end}}{{if .VisibleFlags}}
Flags:
{{range .VisibleFlags}}  {{.}}
{{end}}{{end}}{{if .UsageText}}
Examples:
{{.UsageText}}
{{end}}`

// GroupHelp is that of a group of commands.
const GroupHelp = `{{.Usage}}

Usage:
  {{.HelpName}} COMMAND
{{if .Description}}
{{.Description}}
{{end}}
Commands:{{range .VisibleCommands}}
  {{printf "%-12s" .Name}} {{.Usage}}{{end}}

"{{.HelpName}} COMMAND --help" says more.
{{if .UsageText}}
Examples:
{{.UsageText}}
{{end}}`
