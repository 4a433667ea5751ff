#!/usr/bin/env python3
"""Makes the tables of characters and sounds in src/tables/ anew.

    python3 -m venv venv && venv/bin/pip install opencc-python-reimplemented==0.1.7 pypinyin==0.55.0 \
        pillow numpy cvttf-notosanscjk-regular==1.0
    venv/bin/python tests/catalogue_tables/make.py src/catalogue/tables

In: OpenCC's dictionaries (Apache-2.0), pypinyin's (MIT), and the font Noto Sans CJK (OFL), of which only pictures
of characters are compared. Out: variants.txt, pairs of a character and the one it is compared as; sounds.txt, a
syllable a line and the characters that are read so, the usual ones of GB 2312; shapes.txt, a character a line and
those that look like it, of the 3755 most used.
"""
import collections, json, pathlib, sys, unicodedata

import numpy, opencc, pypinyin
from PIL import Image, ImageDraw, ImageFilter, ImageFont

OPENCC = pathlib.Path(opencc.__file__).parent / "dictionary"
PINYIN = pathlib.Path(pypinyin.__file__).parent
# What people write for one another and OpenCC keeps apart, because each is right somewhere.
OURS = dict(zip("著鍾锺妳牠祂於乾裏喫麽麼濶劵羣峯畧", "着钟钟你它他于干里吃么么阔券群峰略"))
BMP = lambda c: len(c) == 1 and 0x2E80 <= ord(c) <= 0xFAFF


def pairs(name):
    for line in (OPENCC / name).read_text(encoding="utf-8").splitlines():
        left, _, right = line.partition("\t")
        yield left, right.split(" ")


def is_simplified(c):
    try: return len(c.encode("gb2312")) == 2
    except UnicodeEncodeError: return False


def variants():
    table = {}
    for left, right in pairs("TSCharacters.txt"):
        if BMP(left) and BMP(right[0]): table[left] = right[0]
    for name in "TWVariants.txt", "HKVariants.txt", "JPVariants.txt":
        for usual, local in pairs(name):
            # 芸 is Japan's 藝, but a character of its own here.
            for c in local:
                if BMP(c) and BMP(usual) and not is_simplified(c): table.setdefault(c, usual)
    for c in map(chr, range(0xF900, 0xFB00)):
        plain = unicodedata.normalize("NFKC", c)
        if BMP(plain) and plain != c: table.setdefault(c, plain)
    table.update(OURS)

    def end(c):
        seen = set()
        while c in table and c not in seen:
            seen.add(c)
            c = table[c]
        return c
    return {c: end(c) for c in sorted(table) if end(c) != c and is_simplified(end(c))}


def bare(syllable):
    syllable = syllable.replace("ü", "v").replace("ǖ", "v").replace("ǘ", "v").replace("ǚ", "v").replace("ǜ", "v")
    plain = "".join(c for c in unicodedata.normalize("NFD", syllable) if not unicodedata.combining(c))
    return plain if plain.isascii() and plain.isalpha() else ""


def sounds():
    listed = {chr(int(code)): [bare(s) for s in text.split(",")] for code, text in json.loads((PINYIN / "pinyin_dict.json").read_text()).items()}
    # How often a character is read so, in words: what is rare there is nothing that a reader types.
    words = collections.defaultdict(collections.Counter)
    for word, read in json.loads((PINYIN / "phrases_dict.json").read_text()).items():
        if len(word) != len(read): continue
        for c, options in zip(word, read): words[c][bare(options[0])] += 1
    table = collections.defaultdict(list)
    for c in sorted(listed):
        if not is_simplified(c): continue
        seen, total = words[c], sum(words[c].values())
        usual = [s for s, n in seen.items() if s and n >= max(2, total * 0.04)]
        for syllable in dict.fromkeys([s for s in listed[c] if s][:1] + usual): table[syllable].append(c)
    for syllable in [s for s in table if s in ("n", "ng", "m", "hm", "hng", "ê", "o", "yo", "lo")]: del table[syllable]
    return table


def picture(font, c):
    image = Image.new("L", (48, 48))
    ImageDraw.Draw(image).text((4, -4), c, fill=255, font=font)
    small = image.filter(ImageFilter.GaussianBlur(1.3)).resize((24, 24))
    dots = numpy.asarray(small, dtype=numpy.float32).ravel()
    dots = dots - dots.mean()
    return dots / numpy.linalg.norm(dots)


def shapes():
    file = next(pathlib.Path(place, "cvttf_NotoSansCJK_Regular", "NotoSansCJKtc-Regular.otf") for place in sys.path if pathlib.Path(place, "cvttf_NotoSansCJK_Regular").is_dir())
    font = ImageFont.truetype(str(file), 40)
    codes = (bytes([high, low]) for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF))
    chars = [c for c in (code.decode("gb2312", "ignore") for code in codes) if c]
    pictures = numpy.stack([picture(font, c) for c in chars])
    alike = pictures @ pictures.T
    numpy.fill_diagonal(alike, 0)
    found = {}
    for one, row in enumerate(alike):
        for other in numpy.argsort(-row, kind="stable")[:3]:
            if row[other] >= 0.8: found[min(one, int(other)), max(one, int(other))] = float(row[other])
    best = sorted(found, key=lambda pair: -found[pair])[:SHAPES]
    table = collections.defaultdict(list)
    for one, other in sorted(best): table[chars[one]].append(chars[other])
    return table


# How many pairs fit into 60 KB with the other two tables.
SHAPES = 3400


def main(place):
    place = pathlib.Path(place)
    simple = variants()
    (place / "variants.txt").write_text("".join(c + s for c, s in simple.items()) + "\n", encoding="utf-8")
    lines = (syllable + " " + "".join(chars) for syllable, chars in sorted(sounds().items()))
    (place / "sounds.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = (c + "".join(others) for c, others in shapes().items())
    (place / "shapes.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


main(sys.argv[1])
