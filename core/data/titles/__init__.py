"""Made titles: correct ones by a grammar or a person's own, wrong ones of many kinds from them."""
