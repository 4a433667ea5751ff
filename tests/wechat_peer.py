"""Speaks WeChat's AES envelope by an independent implementation (wechatpy).

stdin: one command a line, stdout: one answer a line.
  seal TOKEN KEY APPID TIMESTAMP NONCE XML   -> MSG_SIGNATURE ENCRYPT
  open TOKEN KEY APPID ENVELOPE              -> the clear XML
XML and ENVELOPE are in base64, so that they have neither blanks nor line ends.
"""

import base64
import sys
import xml.etree.ElementTree as ET

from wechatpy.crypto import WeChatCrypto


def text(root, name):
    return root.find(name).text


for line in sys.stdin:
    command, token, key, appid, *rest = line.split()
    crypto = WeChatCrypto(token, key, appid)
    if command == "seal":
        timestamp, nonce, clear = rest
        sealed = crypto.encrypt_message(base64.b64decode(clear).decode(), nonce, timestamp)
        root = ET.fromstring(sealed)
        print(text(root, "MsgSignature"), text(root, "Encrypt"), flush=True)
    else:
        envelope = base64.b64decode(rest[0]).decode()
        root = ET.fromstring(envelope)
        clear = crypto.decrypt_message(
            envelope, text(root, "MsgSignature"), text(root, "TimeStamp"), text(root, "Nonce")
        )
        print(base64.b64encode(clear.encode() if isinstance(clear, str) else clear).decode(), flush=True)
