"""A small language in which runs are asked for: `rule.kind = "ltl" and accuracy > 0.99`.

words.py cuts a text into words, grammar.py makes a tree of them, fields.py knows what can be asked
for, conditions.py makes SQL of the tree. A value of the text never becomes SQL: only a parameter.
"""
