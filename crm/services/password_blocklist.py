"""Passwords that are tried first: common words, alone or strung together, whatever digits surround them.

The rule for production asks for twelve characters, so what must be refused are mostly words made longer
(`Password2024!`, `welcomewelcome`, `crmadmin12345`); the list holds the stems and the function finds the rest.
"""

from __future__ import annotations

import re
import string

#: stems of the published lists of common passwords, product words, and pinyin words common in China
_WORDS = """
123 1234 12345 123456 1234567 12345678 123456789 1234567890 abc abcd abcde abcdef qwe qwer qwert qwerty qwertz
qwertyuiop azerty asd asdf asdfg asdfgh asdfghjkl zxc zxcv zxcvb zxcvbn zxcvbnm qaz wsx edc qazwsx qazwsxedc
1qaz 2wsx 1q2w3e 1q2w3e4r q1w2e3r4 zaq1 xsw2 a1b2c3 aa aaa aaaa
password passwort passwd passw pass passcode passphrase motdepasse contrasena senha parola wachtwoord mima
secret secure security secured private protect admin administrator root user guest test testing tester demo
default changeme change letmein let me in login logon signin access account welcome hello hi hey please thanks
master super superuser superman supervisor manager sysadmin system server service support office company
crm sales customer customers contact contacts client clients deal deals lead leads opportunity pipeline business
crmserver crmsystem backend dashboard panel database postgres postgresql sqlite redis valkey mysql oracle
google facebook twitter amazon apple microsoft windows linux ubuntu debian android iphone samsung internet
computer laptop keyboard monitor mobile phone email mail gmail hotmail yahoo outlook wechat weixin alipay taobao
love iloveyou loveyou lovely forever always friend friends family mother father mama papa baby babygirl angel
sunshine sunny flower flowers butterfly rainbow princess prince king queen lady boss honey sugar candy chocolate
cookie cheese banana orange lemon cherry coffee pepper ginger peanut dragon monkey tiger lion eagle falcon wolf
shadow ninja samurai pirate killer hunter ranger warrior soldier knight wizard merlin phoenix panther cobra
football baseball basketball hockey soccer tennis golf cricket liverpool arsenal chelsea barcelona madrid juventus
yankees cowboys steelers lakers chicago newyork london paris berlin tokyo beijing shanghai shenzhen guangzhou
hongkong china zhongguo america usa england germany france russia india japan
summer winter spring autumn fall season january february march april may june july august september october
november december monday tuesday wednesday thursday friday saturday sunday today tomorrow
michael jordan jennifer jessica ashley daniel andrew joshua matthew anthony thomas robert william charlie george
harley maggie buster ginger bailey jasper oliver sophie amanda nicole michelle melissa hannah samantha
batman spiderman starwars startrek pokemon pikachu naruto mickey minnie simpson matrix gandalf hogwarts potter
freedom liberty peace power energy magic mystery lucky winner success money dollar gold silver diamond crystal
trustno one two three four five six seven eight nine ten zero first last number
correct horse battery staple nothing whatever something anything everything
woaini aini woaiwo wodemima nihao baobao laogong laopo fuwu yonghu guanli guanliyuan xiaoshou kehu
my your our the is an and or not am me you we it go to in on for new old big best good bad
"""
_STEMS = frozenset(_WORDS.split())
#: more listed words than that are a passphrase
_FEW = 4
_LOOKALIKE = str.maketrans("013457@$!|", "oieastasii")
_RUNS = (
    string.ascii_lowercase * 2,
    string.digits * 3,
    "qwertyuiopasdfghjklzxcvbnm" * 2,
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p" * 2,
)


def is_common(password: str, about: tuple[str, ...] = ()) -> bool:
    """Whether a guesser would have it early: a known word or several, a run of keys, a repetition, or `about`."""
    text = password.casefold()
    if len(set(text)) < 5 or _is_run(text) or _is_repetition(text):
        return True
    own = frozenset(part for word in about for part in re.split(r"[\W_]+", word.casefold()) if len(part) > 2)
    return _is_words(text, _STEMS | own)


def _is_run(text: str) -> bool:
    return any(text in run or text[::-1] in run for run in _RUNS)


def _is_repetition(text: str) -> bool:
    """`welcomewelcome`, `abcabcabcabc`: the text is found in itself, shifted."""
    return text in (text + text)[1:-1]


def _is_words(text: str, stems: frozenset[str]) -> bool:
    """A few stems are all that is left once digits and punctuation are taken out, however they are strung together.

    A digit may stand for the letter it looks like.
    """
    alike, longest = text.translate(_LOOKALIKE), max(map(len, stems))
    fewest = {0: 0}  # position → how many stems it takes to get there
    for end in range(1, len(text) + 1):
        starts = [start for start in range(max(0, end - longest), end) if start in fewest]
        counts = [fewest[start] + 1 for start in starts if not stems.isdisjoint((text[start:end], alike[start:end]))]
        if end - 1 in fewest and not text[end - 1].isalpha():
            counts.append(fewest[end - 1])
        if counts:
            fewest[end] = min(counts)
    return fewest.get(len(text), _FEW + 1) <= _FEW
