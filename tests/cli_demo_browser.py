"""Uses the demo's page in a real Chromium, as an operator would.

usage: cli_demo_browser.py URL DIRECTORY     URL of a running demo; screenshots go to DIRECTORY

Speaks the WebDriver protocol to chromedriver, which is JSON over HTTP. Ends with 0, or with an
assertion that says what was not seen. Nothing here waits for a time to pass: every wait is for
something to be seen, within WAIT seconds.
"""

import base64
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

WAIT = 30
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1280,860", "--hide-scrollbars", "--lang=zh-CN",
]
# Everything is on this machine, whatever proxy the environment names.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ENTER, ESCAPE, TAB, SHIFT = "\ue007", "\ue00c", "\ue004", "\ue008"


class Browser:
    """One Chromium with one tab."""

    def __init__(self, driver, profile):
        options = {"args": FLAGS + [f"--user-data-dir={profile}"]}
        wanted = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        self.base = driver
        session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.base = f"{driver}/session/{session['sessionId']}"
        self.requested = []

    def call(self, method, path, body=None):
        data = None if method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, data, method=method)
        try:
            with DIRECT.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()[:600]}") from None

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": arguments})

    def find(self, selector):
        found = self.call("POST", "/element", {"using": "css selector", "value": selector})
        return found[ELEMENT]

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click")

    def names(self, selector):
        """What a screen reader calls each of these."""
        found = self.call("POST", "/elements", {"using": "css selector", "value": selector})
        return [self.call("GET", f"/element/{one[ELEMENT]}/computedlabel") for one in found]

    def type(self, selector, text):
        self.call("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def press(self, *keys):
        """Keys go down in this order and up again, to whatever has the focus."""
        strokes = [{"type": "keyDown", "value": key} for key in keys]
        strokes += [{"type": "keyUp", "value": key} for key in reversed(keys)]
        actions = [{"type": "key", "id": "keyboard", "actions": strokes}]
        self.call("POST", "/actions", {"actions": actions})

    def focus(self):
        return self.run("const e = document.activeElement; return e.id || e.textContent.slice(0, 40)")

    def until(self, what, script, *arguments):
        """Waits until `script` returns something true; returns that."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            if seen := self.run(script, *arguments):
                return seen
            time.sleep(0.02)
        chat = self.run("return document.body.innerText")
        raise AssertionError(f"never seen: {what}\n--- the page ---\n{chat}")

    def answer(self, *words):
        """The last line of the account, once it holds all these words."""
        return self.until(
            f"an answer with {words}",
            """const last = [...document.querySelectorAll('.log > *')].at(-1).innerText;
               return arguments[0].every(word => last.includes(word)) && last""",
            words,
        )

    def devtools(self, command, **parameters):
        body = {"cmd": command, "params": parameters}
        return self.call("POST", "/goog/cdp/execute", body)

    def look(self, width, height, scale, mobile, scheme):
        """Emulates a screen; movement is reduced, so that screenshots are the same each time."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height,
                      deviceScaleFactor=scale, mobile=mobile)
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ])

    def shoot(self, path):
        path.write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def requests(self):
        for entry in self.call("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            # Chromium's own first tab has pages within the browser.
            if (message["method"] == "Network.requestWillBeSent"
                    and not message["params"]["documentURL"].startswith(("chrome:", "chrome-untrusted:"))):
                self.requested.append(message["params"]["request"]["url"])
        return self.requested

    def complaints(self):
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]


def check_hashes(url):
    """The page's policy names the one style and the one script by their hashes."""
    with DIRECT.open(url, timeout=WAIT) as answer:
        page = answer.read().decode()
    for name in ("style", "script"):
        [inside] = re.findall(f"<{name}>(.*?)</{name}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        named = re.search(f"{name}-src '([^']*)'", page)[1]
        assert named == f"sha256-{digest}", f"{name}-src in demo_page.html must be sha256-{digest}"


def chat(browser):
    """Follow, search, tap, page on, open a card, scan, ask the menu."""
    browser.answer("欢迎关注", "ISBN")
    browser.type("#text", "三体" + ENTER)
    browser.answer("1. 《三体》 刘慈欣", "回复序号")
    assert browser.run("return document.querySelector('#text').value") == ""
    browser.click(".line:last-child .bubble button")
    browser.answer("《三体》", "重庆出版社", "9787536692930", "索书号：I247.55/13", "返回列表", "豆瓣")
    mine = browser.run("return [...document.querySelectorAll('.mine .bubble')].at(-1).textContent")
    assert mine == "你：1", f"the tap sent {mine!r}"
    page = browser.run("""const page = document.querySelector('.line:last-child .bubble a');
        return [page.href, page.target, page.rel]""")
    assert page == ["https://book.douban.com/isbn/9787536692930/", "_blank", "noopener noreferrer"], page
    assert browser.run("return document.querySelector('.card')") is None, "there is no picture"
    browser.click(".line:last-child .bubble button")
    browser.answer("1. 《三体》 刘慈欣", "回复序号")
    browser.type("#text", "活着" + ENTER)
    browser.answer("1. 《活着》", "2. 《活着》")
    names = browser.names(".line:last-child .bubble button")
    assert names == ["1. 《活着》", "2. 《活着》"], names
    for sent, words in [
        ("刘慈欣", ["下一页"]),
        ("更多", ["第 2/"]),
        ("9787536692931", ["校验位不对"]),
        ("没有这样一本书呢", ["没有找到"]),
        ("<b>&amp;</b><img src=x onerror=alert(1)>", ["没有找到"]),
    ]:
        browser.type("#text", sent + ENTER)
        browser.answer(*words)
    assert browser.run("return document.querySelectorAll('.log img, .log b').length") == 0
    browser.click("#help")
    browser.answer("例如")
    scan(browser, "978-7-5366-9293-0", ["重庆出版社"])
    scan(browser, "hello", ["这个码里没有书号"])


PHOTOS = pathlib.Path(__file__).parent / "catalogue_photo"


def photos(browser):
    """A photo by the button, dropped and pasted: as small as it is, and as phones make them."""
    browser.run("document.querySelector('#file').hidden = false")
    browser.type("#file", str(PHOTOS / "colour.jpg"))
    browser.answer("《三体》", "重庆出版社", "索书号：I247.55/13", "其他版本")
    browser.type("#file", str(PHOTOS / "goods.jpg"))
    browser.answer("这是商品条形码")
    browser.run("document.querySelector('#file').hidden = true")
    assert browser.run("return document.querySelectorAll('.mine canvas').length") == 2
    # On paper of 3000 by 4000 pixels, with the noise that a camera's sensor adds.
    give = """
        const bytes = Uint8Array.from(atob(arguments[0]), c => c.charCodeAt(0));
        const [way, big] = [arguments[1], arguments[2]];
        (async () => {
          let file = new File([bytes], "photo.jpg", { type: "image/jpeg" });
          if (big) {
            const label = await createImageBitmap(file);
            const canvas = Object.assign(document.createElement("canvas"), { width: 3000, height: 4000 });
            const pen = canvas.getContext("2d");
            pen.fillStyle = "#a89f8c";
            pen.fillRect(0, 0, 3000, 4000);
            for (let n = 0; n < 40000; n++) {
              pen.fillStyle = `hsl(${n * 97 % 360} 30% ${40 + n * 31 % 30}%)`;
              pen.fillRect(n * 7919 % 3000, n * 104729 % 4000, 9, 9);
            }
            pen.drawImage(label, 600, 1500, 1800, 1800 * label.height / label.width);
            file = new File([await new Promise(done => canvas.toBlob(done, "image/jpeg", .95))],
                            "photo.jpg", { type: "image/jpeg" });
          }
          const data = new DataTransfer();
          data.items.add(file);
          document.dispatchEvent(way === "drop"
            ? new DragEvent("drop", { dataTransfer: data, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: data, cancelable: true }));
        })()"""
    label = base64.b64encode((PHOTOS / "colour.jpg").read_bytes()).decode()
    for way in ("drop", "paste"):
        browser.click("#help")
        browser.answer("例如")
        browser.run(give, label, way, way == "drop")
        browser.answer("《三体》", "重庆出版社")
    [size] = browser.run("""return [...document.querySelectorAll('summary .what')]
        .map(what => what.textContent).filter(what => what.startsWith('图片')).slice(1, 2)""")
    assert 10 < int(size.split()[1]) < 64, f"the large photo was sent as {size}"
    text = base64.b64encode(b"no picture").decode()
    browser.run(give, text, "drop", False)
    browser.answer("浏览器打不开这张图片")


def scan(browser, code, words):
    browser.click("#scan")
    browser.until("the scanner", "return document.querySelector('#scanner').open")
    browser.run("document.querySelector('#code').value = ''")
    browser.type("#code", code + ENTER)
    browser.answer(*words)


def foreign(browser):
    """A reply is text whatever stands in it; only the two kinds of links become links."""
    shown = browser.run("""
        const reply = arguments[0];
        receive({status: 200, received: '<xml><MsgType>text</MsgType><Content><![CDATA[' + reply
            + ']]></Content></xml>'});
        const bubble = [...document.querySelectorAll('.bubble')].at(-1);
        return [bubble.textContent, [...bubble.querySelectorAll('*')].map(e => e.localName
            + ' ' + (e.getAttribute('href') ?? ''))]""",
        '<script>alert(1)</script><a href="javascript:alert(1)">a</a><a href="https://b.example/?x=1">b</a>'
        '<a href="weixin://bizmsgmenu?msgmenucontent=%E6%9B%B4%E5%A4%9A&msgmenuid=1">c</a>'
        '<a href="https://d.example" onclick="alert(1)">d</a>')
    assert shown == [
        '豆米查书：<script>alert(1)</script><a href="javascript:alert(1)">a</a>bc'
        '<a href="https://d.example" onclick="alert(1)">d</a>',
        ["span ", "a https://b.example/?x=1", "button "],
    ], shown
    browser.run("""receive({status: 200, received: '<xml><MsgType>news</MsgType><Articles><item>'
        + '<Title>《书》</Title><Description>一行</Description><PicUrl>https://c.example/1.jpg</PicUrl>'
        + '<Url>https://d.example/</Url></item></Articles></xml>'})""")
    card = browser.run("""const card = document.querySelector('a.card');
        return [card.href, card.target, card.rel, getComputedStyle(card.querySelector('p')).whiteSpace]""")
    assert card == ["https://d.example/", "_blank", "noopener noreferrer", "pre-wrap"], card
    [name] = browser.names("a.card")
    assert name.endswith("（在新标签页打开）"), name
    tile = browser.run("return document.querySelector('.line:last-child .card .cover').textContent")
    assert tile == "书", "a picture has a place, and is not asked for"
    for status, received, words in [
        (200, "success", "没有回复"), (504, "", "出现故障"), (200, "<xml><MsgType>", "出现故障"),
    ]:
        browser.run("receive({status: arguments[0], received: arguments[1]})", status, received)
        browser.answer(words)


def keyboard(browser):
    """Everything again without a pointer."""
    assert browser.focus() == "text", browser.focus()
    for key in "三体":
        browser.press(key)
    browser.press(ENTER)
    browser.answer("1. 《三体》")
    browser.press(SHIFT, TAB)
    assert browser.focus().startswith("《三体"), browser.focus()
    browser.press(ENTER)
    browser.answer("刘慈欣", "ISBN")
    browser.run("document.querySelector('#text').focus()")
    order = []
    for _ in range(5):
        browser.press(TAB)
        order.append(browser.focus())
    assert order == ["shot", "发送", "scan", "help", "follow"], order
    browser.press(SHIFT, TAB)
    browser.press(SHIFT, TAB)
    browser.press(ENTER)
    assert browser.focus() == "code", browser.focus()
    browser.press(ESCAPE)
    browser.until("the scanner gone", "return !document.querySelector('#scanner').open")
    assert browser.focus() == "scan", browser.focus()
    browser.press(ENTER)
    browser.press(ENTER)
    browser.answer("9787536692930")
    browser.run("document.querySelector('#look').focus()")
    browser.press(ENTER)
    assert browser.focus() == "drawer-name", browser.focus()
    browser.press(ESCAPE)
    assert browser.focus() == "look", browser.focus()


def drawer(browser):
    """The XML and the milliseconds of what was said last."""
    browser.click("#look")
    opened = browser.run("""const entry = document.querySelector('details[open]');
        return [entry.querySelector('.took').innerText,
                ...[...entry.querySelectorAll('pre')].map(pre => pre.innerText)]""")
    took, sent, received = opened
    assert re.fullmatch(r"200 · \d+\.\d ms", took), took
    assert "<Event><![CDATA[scancode_waitmsg]]></Event>\n" in sent, sent
    assert "<MsgType><![CDATA[text]]></MsgType>\n" in received, received
    assert browser.run("return document.querySelectorAll('details[open]').length") == 1
    browser.click("#close")
    assert browser.run("return document.querySelector('#drawer').hidden")


def covered(browser):
    """On a phone the drawer lies over the chat, and nobody gets lost beneath it."""
    browser.look(320, 568, 1, True, "light")
    fits(browser, "the smallest phone")
    browser.click("#look")
    browser.press(TAB)
    assert browser.focus() == "close", browser.focus()
    # Once around in both directions: every line of the drawer is a stop.
    for keys in [(TAB,)] * 40 + [(SHIFT, TAB)] * 40:
        browser.press(*keys)
        beneath = browser.run("return document.activeElement.closest('#chat') !== null")
        assert not beneath, f"{browser.focus()} has the focus and is covered"
    browser.run("document.activeElement.blur()")
    browser.press(ESCAPE)
    assert browser.run("return document.querySelector('#drawer').hidden")
    assert browser.focus() == "look", browser.focus()
    browser.click("#look")
    browser.look(1280, 860, 1, False, "light")
    browser.click("#text")
    assert browser.focus() == "text", "beside the drawer the chat goes on"
    browser.press(ESCAPE)
    assert browser.run("return document.querySelector('#drawer').hidden")
    assert browser.focus() == "text", browser.focus()


def fits(browser, where):
    """Nothing is wider than the screen, and all can be read: 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    wide = browser.run("return document.documentElement.scrollWidth > innerWidth")
    assert not wide, f"{where}: wider than the screen"
    faint = browser.run(r"""
        const light = colour => {
            const [r, g, b] = colour.match(/[\d.]+/g).map(Number)
                .map(c => c / 255).map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
            return .2126 * r + .7152 * g + .0722 * b;
        };
        const ground = e => {
            const colour = getComputedStyle(e).backgroundColor;
            return colour !== 'rgba(0, 0, 0, 0)' ? colour : ground(e.parentElement);
        };
        return [...document.querySelectorAll('body *:not(script, .unseen)')].filter(e =>
            e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
        ).filter(e => {
            const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
            return (Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5;
        }).map(e => `${e.localName}.${e.className} ${e.innerText}`)""")
    assert not faint, f"{where}: hard to read: {faint}"


def screens(browser, url, directory):
    """Phone and desktop, light and dark: what the README could show."""
    for scheme in ("light", "dark"):
        for name, width, height, scale, mobile in [
            ("phone", 412, 916, 1.5, True), ("desktop", 1280, 960, 1, False),
        ]:
            browser.look(width, height, scale, mobile, scheme)
            browser.call("POST", "/url", {"url": url})
            browser.answer("欢迎关注")
            # Two editions, so that list, photo and card stand on one screen.
            browser.type("#text", "活着" + ENTER)
            browser.answer("1. 《活着》", "2. 《活着》")
            browser.run("document.querySelector('#file').hidden = false")
            browser.type("#file", str(PHOTOS / "colour.jpg"))
            browser.answer("《三体》", "同一作者")
            # Without a blinking cursor.
            browser.run("""document.querySelector('#file').hidden = true;
                document.activeElement.blur()""")
            # What has scrolled out in part would look like a mistake.
            browser.run("""const top = log.getBoundingClientRect().top;
                [...log.children].filter(e => e.getBoundingClientRect().top < top)
                    .forEach(e => e.remove())""")
            if not mobile:
                browser.click("#look")
            where = f"{name}-{scheme}"
            fits(browser, where)
            browser.shoot(directory / f"{where}.png")
            if mobile:
                browser.click("#look")
                fits(browser, where)
                browser.shoot(directory / f"{where}-xml.png")
                browser.click("#close")
                browser.click("#scan")
                fits(browser, where)
                browser.shoot(directory / f"{where}-scan.png")


def use(browser, url, directory):
    browser.call("POST", "/url", {"url": url})
    chat(browser)
    photos(browser)
    quiet(browser)
    foreign(browser)
    # Chromium itself styles what it shows for broken XML, and complains that it may not.
    browser.complaints()
    browser.call("POST", "/url", {"url": url})
    browser.answer("欢迎关注")
    keyboard(browser)
    drawer(browser)
    covered(browser)
    screens(browser, url, directory)
    # Chromium asks for pages of its own before ours is open.
    ours = (url, "data:", "chrome")
    outside = [asked for asked in browser.requests() if not asked.startswith(ours)]
    assert browser.requested, "the log of requests is empty"
    assert not outside, f"requests to somebody else: {outside}"
    quiet(browser)


def quiet(browser):
    complaints = browser.complaints()
    assert not complaints, f"on the console: {complaints}"


def main(url, directory):
    check_hashes(url)
    command = ["chromedriver", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        try:
            port = next(m[1] for line in driver.stdout if (m := re.search(r"successfully on port (\d+)", line)))
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
                browser = Browser(f"http://127.0.0.1:{port}", profile)
                try:
                    use(browser, url, pathlib.Path(directory))
                finally:
                    browser.call("DELETE", "")
        finally:
            driver.terminate()


if __name__ == "__main__":
    main(*sys.argv[1:])
