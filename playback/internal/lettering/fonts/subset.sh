#!/bin/sh
# usage: subset.sh [DIR]
# Makes the fonts here of those in DIR, Debian's package fonts-noto-core (20201225),
# with pyftsubset of its package fonttools (4.38). Scripts that are not here come
# from the fonts of the machine that exports.
set -eu
from=${1:-/usr/share/fonts/truetype/noto}
to=$(dirname "$0")

# subset FONT NAME RANGES
subset() {
	pyftsubset "$from/$1-Regular.ttf" --output-file="$to/$2.ttf" --unicodes="U+0020,U+00A0,U+200B-200F,U+25CC,$3" \
		--layout-features='*' --no-hinting --desubroutinize --drop-tables+=DSIG --name-IDs=0,1,2,13,14
}

subset NotoSans latin U+0021-007E,U+00A1-036F,U+0370-052F,U+1C80-1C8F,U+1E00-1FFF,U+2010-2027,U+2030-203A,U+20A0-20BF,U+2116,U+2122,U+2DE0-2DFF,U+A640-A69F
subset NotoSansArabic arabic U+0600-06FF,U+0750-077F,U+08A0-08FF
subset NotoSansArmenian armenian U+0530-058F
subset NotoSansBengali bengali U+0964-0965,U+0980-09FF
subset NotoSansDevanagari devanagari U+0900-097F,U+A8E0-A8FF
subset NotoSansGeorgian georgian U+10A0-10FF,U+1C90-1CBF,U+2D00-2D2F
subset NotoSansHebrew hebrew U+0590-05FF
subset NotoSansTamil tamil U+0964-0965,U+0B80-0BFF
subset NotoSansThai thai U+0E00-0E7F
