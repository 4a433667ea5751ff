//! The named characters of HTML.
//!
//! In: a name as it stands between `&` and `;`. Out: its character, or nothing for a name that is
//! none. All names of HTML 4, the letters of Latin Extended-A from HTML 5, which names of people
//! need, and its marks of punctuation; of its two thousand others no book data has any.

/// Names in the order of their characters, from the first one's code on; `-` is no name.
const RUNS: [(u32, &str); 3] = [
    (
        0xa0,
        "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr \
         deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 \
         frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc \
         Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times \
         Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml \
         aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde \
         ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn \
         yuml",
    ),
    (
        0x100,
        "Amacr amacr Abreve abreve Aogon aogon Cacute cacute Ccirc ccirc Cdot cdot Ccaron \
         ccaron Dcaron dcaron Dstrok dstrok Emacr emacr - - Edot edot Eogon eogon Ecaron \
         ecaron Gcirc gcirc Gbreve gbreve Gdot gdot Gcedil - Hcirc hcirc Hstrok hstrok Itilde \
         itilde Imacr imacr - - Iogon iogon Idot imath IJlig ijlig Jcirc jcirc Kcedil kcedil \
         kgreen Lacute lacute Lcedil lcedil Lcaron lcaron Lmidot lmidot Lstrok lstrok Nacute \
         nacute Ncedil ncedil Ncaron ncaron napos ENG eng Omacr omacr - - Odblac odblac OElig \
         oelig Racute racute Rcedil rcedil Rcaron rcaron Sacute sacute Scirc scirc Scedil \
         scedil Scaron scaron Tcedil tcedil Tcaron tcaron Tstrok tstrok Utilde utilde Umacr \
         umacr Ubreve ubreve Uring uring Udblac udblac Uogon uogon Wcirc wcirc Ycirc ycirc \
         Yuml Zacute zacute Zdot zdot Zcaron zcaron -",
    ),
    (
        0x391,
        "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi \
         Rho - Sigma Tau Upsilon Phi Chi Psi Omega - - - - - - - alpha beta gamma delta \
         epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau \
         upsilon phi chi psi omega",
    ),
];

/// Names whose characters do not follow one another.
#[rustfmt::skip]
const SINGLE: [(&str, u32); 135] = [
    ("Tab", 0x9), ("NewLine", 0xa), ("excl", 0x21), ("QUOT", 0x22), ("quot", 0x22), ("num", 0x23),
    ("dollar", 0x24), ("percnt", 0x25), ("AMP", 0x26), ("amp", 0x26), ("apos", 0x27),
    ("lpar", 0x28), ("rpar", 0x29), ("ast", 0x2a), ("plus", 0x2b), ("comma", 0x2c),
    ("period", 0x2e), ("sol", 0x2f), ("colon", 0x3a), ("semi", 0x3b), ("LT", 0x3c), ("lt", 0x3c),
    ("equals", 0x3d), ("GT", 0x3e), ("gt", 0x3e), ("quest", 0x3f), ("commat", 0x40),
    ("lsqb", 0x5b), ("rsqb", 0x5d), ("lowbar", 0x5f), ("inodot", 0x131), ("fnof", 0x192),
    ("circ", 0x2c6), ("tilde", 0x2dc), ("ohm", 0x3a9), ("thetasym", 0x3d1), ("upsih", 0x3d2),
    ("piv", 0x3d6), ("ensp", 0x2002), ("emsp", 0x2003), ("thinsp", 0x2009), ("zwnj", 0x200c),
    ("zwj", 0x200d), ("lrm", 0x200e), ("rlm", 0x200f), ("ndash", 0x2013), ("mdash", 0x2014),
    ("horbar", 0x2015), ("lsquo", 0x2018), ("rsquo", 0x2019), ("sbquo", 0x201a),
    ("ldquo", 0x201c), ("rdquo", 0x201d), ("bdquo", 0x201e), ("dagger", 0x2020),
    ("Dagger", 0x2021), ("bull", 0x2022), ("hellip", 0x2026), ("permil", 0x2030),
    ("prime", 0x2032), ("Prime", 0x2033), ("lsaquo", 0x2039), ("rsaquo", 0x203a),
    ("oline", 0x203e), ("frasl", 0x2044), ("euro", 0x20ac), ("image", 0x2111), ("numero", 0x2116),
    ("weierp", 0x2118), ("real", 0x211c), ("trade", 0x2122), ("alefsym", 0x2135),
    ("larr", 0x2190), ("uarr", 0x2191), ("rarr", 0x2192), ("darr", 0x2193), ("harr", 0x2194),
    ("crarr", 0x21b5), ("lArr", 0x21d0), ("uArr", 0x21d1), ("rArr", 0x21d2), ("dArr", 0x21d3),
    ("hArr", 0x21d4), ("forall", 0x2200), ("part", 0x2202), ("exist", 0x2203), ("empty", 0x2205),
    ("nabla", 0x2207), ("isin", 0x2208), ("notin", 0x2209), ("ni", 0x220b), ("prod", 0x220f),
    ("sum", 0x2211), ("minus", 0x2212), ("lowast", 0x2217), ("radic", 0x221a), ("prop", 0x221d),
    ("infin", 0x221e), ("ang", 0x2220), ("and", 0x2227), ("or", 0x2228), ("cap", 0x2229),
    ("cup", 0x222a), ("int", 0x222b), ("there4", 0x2234), ("sim", 0x223c), ("cong", 0x2245),
    ("asymp", 0x2248), ("ne", 0x2260), ("equiv", 0x2261), ("le", 0x2264), ("ge", 0x2265),
    ("sub", 0x2282), ("sup", 0x2283), ("nsub", 0x2284), ("sube", 0x2286), ("supe", 0x2287),
    ("oplus", 0x2295), ("otimes", 0x2297), ("perp", 0x22a5), ("sdot", 0x22c5), ("lceil", 0x2308),
    ("rceil", 0x2309), ("lfloor", 0x230a), ("rfloor", 0x230b), ("lang", 0x2329), ("rang", 0x232a),
    ("loz", 0x25ca), ("starf", 0x2605), ("star", 0x2606), ("spades", 0x2660), ("clubs", 0x2663),
    ("hearts", 0x2665), ("diams", 0x2666), ("check", 0x2713),
];

/// The character of this name, in which case counts: `Eacute` and `eacute` are two.
pub(super) fn named(name: &str) -> Option<char> {
    if let Some((_, code)) = SINGLE.iter().find(|(known, _)| *known == name) {
        return char::from_u32(*code);
    }
    let code = RUNS.iter().find_map(|(first, names)| {
        let at = names.split_ascii_whitespace().position(|known| known == name)?;
        Some(first + at as u32)
    });
    code.filter(|_| name != "-").and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    #[rustfmt::skip]
    fn names_give_their_characters() {
        for (name, character) in [
            ("nbsp", Some('\u{a0}')), ("iacute", Some('í')), ("yuml", Some('ÿ')), ("Amacr", Some('Ā')),
            ("Ccaron", Some('Č')), ("lstrok", Some('ł')), ("zcaron", Some('ž')), ("OElig", Some('Œ')),
            ("Alpha", Some('Α')), ("Sigma", Some('Σ')), ("omega", Some('ω')), ("hellip", Some('…')),
            ("euro", Some('€')), ("apos", Some('\'')), ("AMP", Some('&')), ("thetasym", Some('ϑ')),
            ("-", None), ("", None), ("unknown", None),
        ] {
            assert_eq!(named(name), character, "{name}");
        }
    }
}
