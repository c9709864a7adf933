
7
iterator
net
step
save_counter*
/)
ITERATORiterator/.ATTRIBUTES/ITERATOR*
P
w
same
_hidden
	parts
by_name
		child
	
table*
A;
VARIABLE_VALUEVariablestep/.ATTRIBUTES/VARIABLE_VALUE*
MG
VARIABLE_VALUEsave_counter'save_counter/.ATTRIBUTES/VARIABLE_VALUE*
B<
VARIABLE_VALUEVariable net/w/.ATTRIBUTES/VARIABLE_VALUE*
HB
VARIABLE_VALUEVariable&net/_hidden/.ATTRIBUTES/VARIABLE_VALUE*

0
1*

a/b
c.d*


parent
v*
*$
tablenet/table/.ATTRIBUTES/table*
HB
VARIABLE_VALUEVariable&net/parts/0/.ATTRIBUTES/VARIABLE_VALUE*
E?
VARIABLE_VALUEnamed&net/parts/1/.ATTRIBUTES/VARIABLE_VALUE*
MG
VARIABLE_VALUEVariable+net/by_name/a.Sb/.ATTRIBUTES/VARIABLE_VALUE*
MG
VARIABLE_VALUEVariable+net/by_name/c..d/.ATTRIBUTES/VARIABLE_VALUE*
HB
VARIABLE_VALUEVariable&net/child/v/.ATTRIBUTES/VARIABLE_VALUE*